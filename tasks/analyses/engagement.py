"""Engagement: who came on each day of the period, what they took up, and what they solved."""

from typing import TYPE_CHECKING, Final

from schemas.language import Text
from schemas.period_figures import PERIOD_FIGURES
from schemas.section import Column, Findings, Row, Section, figure_columns
from schemas.summary import RunSummary
from schemas.wording import DAY, TOTAL
from tasks.learning import read_by_day, read_over

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

_TITLE: Final = Text("Студенты по дням", "Students by day")
_SINCE: Final = Text(
    "«Новый» значит: без попыток в загруженной истории, которая начинается {since}.",
    "“New” means: without attempts in the history that is loaded, which begins on {since}.",
)


def analyse_engagement(engine: "Engine", summary: RunSummary) -> Findings:
    """A row for each day of the period with figures; the total is that of the whole period, in which each counts once.

    Raises:
        TransientError, PermanentError: the database cannot be read.
    """
    period, language = summary.period, summary.language
    by_day, since = read_by_day(engine, [day.date for day in period.days])
    if not by_day:
        return Findings()
    over = read_over(engine, period.first_day, period.last_day)
    names = [figure.name for figure in PERIOD_FIGURES]
    section = Section(
        "engagement",
        _TITLE.to(language),
        (Column("day", DAY.to(language), "day"), *figure_columns(PERIOD_FIGURES, language)),
        tuple(Row((day, *(values[name] for name in names))) for day, values in by_day.items()),
        (_SINCE.to(language, since=since),),
        (TOTAL.to(language), *(over[name] for name in names)),
    )
    return Findings((section,))
