"""What a run has to say for itself: one description that the report, the mail, the log and the exit code share."""

import re
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Literal, get_args

from schemas.courses import course_name
from schemas.language import DEFAULT_LANGUAGE, Language
from schemas.period import Period
from schemas.section import Findings, Headline, Section, Urgency

Severity = Literal["error", "warning"]
Stage = Literal["extract", "load", "checks", "figures", "sheet", "report", "mail"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The outcome of one data check.

    Attributes:
        check: the check's name, such as `no date in the future`.
        severity: `error` rejects the row, `warning` loads it and counts it.
        rows: how many rows failed it.
        sample: a few of them, masked: never a student's id in full.
    """

    check: str
    severity: Severity
    rows: int
    sample: str = ""

    def __str__(self) -> str:
        return f"{self.check} ({self.severity}): {self.rows:,} {self.sample}".rstrip()


@dataclass(frozen=True, slots=True)
class LoadCounts:
    """What became of the fetched records: fetched = new + changed + unchanged + rejected + duplicates, always.

    Attributes:
        duplicates: exact copies of another record of the same window, loaded once.
        warnings: how often a loaded record failed a check of severity `warning`.
    """

    fetched: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    duplicates: int = 0
    warnings: int = 0

    @property
    def loaded(self) -> int:
        """Records that are in `attempts`, whether this run changed them or found them there."""
        return self.new + self.changed + self.unchanged

    def __add__(self, other: "LoadCounts") -> "LoadCounts":
        return LoadCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class StageFailure:
    """A stage that failed, and why, in one line without secrets.

    Attributes:
        stage: the step's name.
        message: what was wrong and what to do.
        missing: what is not in the figures because of it, such as the starts of the windows that were not loaded.
    """

    stage: Stage
    message: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run came to.

    Attributes:
        period: the days the run was about.
        course: the key of the one course that it tells of; None if of all.
        windows: how many windows it consisted of, loaded or not; none if there was no run, but only a look.
        language: the reader's.
        findings: what the analyses found, in the order in which it is told.
        skipped: steps that were not configured.
        sheet_url: where the sheet is; None if it was not written.
        report_url: where its readers find the report; None if nobody knows.
        mended: what an earlier run failed at; it is told if this one is good.
        run_url: the run's page in the Prefect dashboard; None without a server that has one.
        lists_students: whether students are listed, by pseudonym.
        holidays: days off, which are not judged: dates, or a country's code.
    """

    period: Period
    started_at: datetime
    windows: int
    counts: LoadCounts
    checks: tuple[CheckResult, ...]
    language: Language = DEFAULT_LANGUAGE
    findings: tuple[Findings, ...] = ()
    failures: tuple[StageFailure, ...] = ()
    skipped: tuple[Stage, ...] = ()
    sheet_url: str | None = None
    report_url: str | None = None
    run_url: str | None = None
    course: str | None = None
    mended: Headline | None = None
    lists_students: bool = False
    holidays: str | tuple[date, ...] = ()

    @property
    def succeeded(self) -> bool:
        """True if no stage failed."""
        return not self.failures

    @property
    def course_name(self) -> str:
        """The course as its readers call it; empty if it is about all of them."""
        return course_name(self.course or "")

    @property
    def file_stem(self) -> str:
        """What its files are called; those of one course lie in a folder of its own."""
        stem, name = self.period.file_stem, self.course_name
        plain = re.sub(r"^\.+|[^\w+.-]", "_", name, flags=re.ASCII)[:80]
        # Two courses never share a folder.
        folder = plain if plain == name else f"{plain}-{sha256(name.encode()).hexdigest()[:12]}"
        return f"{folder}/{stem}" if name else stem

    @property
    def public(self) -> "RunSummary":
        """The same without the sections that list students."""
        findings = (
            replace(found, sections=tuple(each for each in found.sections if not each.is_personal))
            for found in self.findings
        )
        return replace(self, findings=tuple(findings))

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections of all analyses."""
        return tuple(section for found in self.findings for section in found.sections)

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """What is mended, and the headlines of all analyses, by urgency."""
        told = [headline for found in self.findings for headline in found.headlines]
        told += [self.mended] if self.mended and self.succeeded else []
        return tuple(sorted(told, key=lambda headline: get_args(Urgency).index(headline.urgency)))
