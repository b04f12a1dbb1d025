"""Which texts a language must have, and how it writes numbers and dates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from schemas.period import Period
from schemas.summary import Severity, Stage

Language = Literal["ru", "en"]


@dataclass(frozen=True, slots=True)
class Labels:
    """The words of one language, and how it writes numbers and dates.

    Names in braces are filled in with `str.format`. Wherever a number stands, the wording is such that it need not
    agree with it ("Записей получено: 21").

    Attributes:
        sheet_columns: the sheet's header, which dashboards refer to: day, attempts, successful attempts, unique users.
        text_columns: the same seven columns as the report's table, short enough for a mail in plain text.
        definitions: what each figure counts; `{time_zone}` is where its days begin and end.
        notice: what a mail says of a run that could not report itself; `{run}` is its name, `{reason}` why it failed.
        check_names: what the data checks are called; a check that is not among them keeps its own name.
    """

    language: Language
    thousands_separator: str
    decimal_mark: str
    percent_sign: str
    dash: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]

    sheet_columns: tuple[str, str, str, str]
    runs: str
    submits: str
    success_rate: str
    complete: str
    yes: str
    no: str
    text_columns: tuple[str, str, str, str, str, str, str]

    subject_succeeded: str
    subject_failed: str
    title: str
    status_succeeded: str
    status_failed: str
    failures: str
    missing_from_figures: str
    and_more: str
    skipped: str
    sheet_link: str
    run_link: str
    started_at: str

    total_attempts: str
    total_successful_attempts: str
    total_success_rate: str
    users_per_day: str

    figures: str
    total: str
    no_data: str
    no_data_for_day: str
    incomplete_day: str
    only_last_days: str

    chart: str
    chart_alt: str
    chart_attempts: str
    chart_successful_attempts: str
    chart_unique_users: str
    chart_success_rate: str

    counts: str
    asked_for: str
    windows: str
    fetched: str
    loaded: str
    new: str
    changed: str
    unchanged: str
    rejected: str
    duplicates: str
    warnings: str
    nothing_changed: str

    checks: str
    check_columns: tuple[str, str, str, str]
    no_checks: str
    all_checks_passed: str
    severities: Mapping[Severity, str]
    severities_explained: str

    notice_subject: str
    notice: str
    notice_link: str
    notice_advice: str

    definitions_heading: str
    definitions: tuple[str, ...]
    stages: Mapping[Stage, str]
    check_names: Mapping[str, str]

    @property
    def figure_columns(self) -> tuple[str, ...]:
        """The header of the table of daily figures: the sheet's columns and the report's own three."""
        return (*self.sheet_columns, self.runs, self.submits, self.success_rate)

    def number(self, value: int) -> str:
        """A whole number with its thousands set apart: `46 680` or `46,680`."""
        return f"{value:,}".replace(",", self.thousands_separator)

    def percent(self, share: float | None) -> str:
        """A share from 0 to 1 as a percentage with one decimal: `45,3 %`; a dash where there is none."""
        if share is None:
            return "—"
        return f"{share * 100:.1f}".replace(".", self.decimal_mark) + self.percent_sign

    def day(self, day: date) -> str:
        """A date as in the sheet, with its weekday: `2023-04-01, сб`."""
        return f"{day.isoformat()}, {self.weekdays[day.weekday()]}"

    def span(self, period: Period) -> str:
        """A period: `2023-04-01 — 2023-04-30`, or one date where it is a whole day; else with the times."""
        return self.dash.join(dict.fromkeys((period.first, period.last)))

    def check_name(self, check: str) -> str:
        """What a data check is called in this language."""
        return self.check_names.get(check, check)
