"""The newest complete day, for `codegrader status`: its figures, what was not to be expected, what to look at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.engine import Engine

from flows.running.publishing import ANALYSES
from schemas.language import write_value
from schemas.period import Day, Period
from schemas.period_figures import PERIOD_FIGURES
from schemas.section import Headline
from schemas.settings import Settings
from schemas.small_numbers import FEWEST_STUDENTS
from schemas.summary import LoadCounts, RunSummary
from tasks.anomalies import Anomaly, read_anomalies
from tasks.figures import read_figures
from tasks.learning import read_over


@dataclass(frozen=True, slots=True)
class NewestDay:
    """What is known of it; `docs/operating.md` says what the fields mean as JSON.

    Attributes:
        figures: those of a day, by name; none until a run has computed them.
        headlines: what the analyses say of it, by urgency.
    """

    day: date
    figures: Mapping[str, float | None]
    anomalies: tuple[Anomaly, ...]
    headlines: tuple[Headline, ...]

    def lines(self) -> Iterator[tuple[str, str]]:
        """Lines, each with its subject."""
        news = [each.text for each in self.headlines if each.urgency == "news"]
        yield "newest day", f"{self.day}: {'; '.join(news)}"
        for each in self.headlines:
            if each.urgency in ("alarm", "todo"):
                yield "look at", each.text
        if self.figures:
            told = (
                f"{each.title.en.lower()} {write_value(self.figures[each.name], each.kind, 'en')}"
                for each in PERIOD_FIGURES
            )
            yield "figures", ", ".join(told)


def read_newest_day(engine: Engine, day: Day, settings: Settings) -> NewestDay:
    """Reads it, and lets every analysis say what it has found.

    Raises:
        TransientError, PermanentError: see `tasks.database.translate_errors`.
    """
    period = Period(day.start, day.end, (day,), settings.time_zone)
    outcome = RunSummary(period, day.end, 0, LoadCounts(), (), "en", holidays=settings.holidays)
    told = replace(outcome, findings=tuple(analysis(engine, outcome) for analysis in ANALYSES))
    span = (day.date, day.date)
    figures: dict[str, float | None] = {}
    for stored in read_figures(engine, *span):
        figures = {**stored.values, **read_over(engine, [span])[span]}
    anomalies = read_anomalies(engine, *span, FEWEST_STUDENTS)
    return NewestDay(day.date, figures, tuple(anomalies), told.headlines)
