"""Engagement: who came on each day of the period, what they took up, and what they solved."""

from typing import Final

from sqlalchemy.engine import Engine

from schemas.language import Text
from schemas.period_figures import NEW_STUDENTS, PERIOD_FIGURES, RETURNING_STUDENTS
from schemas.section import Column, Findings, Row, Section, figure_columns
from schemas.small_numbers import hide_few
from schemas.summary import RunSummary
from schemas.wording import DAY, TOTAL
from tasks.database import read_rows
from tasks.figures import read_figures
from tasks.learning import Values, read_over

_BEGIN: Final = "SELECT min(day) FROM student_task_days"
_TITLE: Final = Text("Студенты по дням", "Students by day")
_SINCE: Final = Text(
    "«Новый» значит: без попыток в загруженной истории, которая начинается {since}.",
    "“New” means: without attempts in the history that is loaded, which begins on {since}.",
)


def analyse_engagement(engine: Engine, summary: RunSummary) -> Findings:
    """A row for each day of the period with figures; the total is that of the whole period, in which each counts once.

    Raises:
        TransientError, PermanentError: the database cannot be read.
    """
    period, language = summary.period, summary.language
    first, last = period.first_day, period.last_day
    known = [each.day for each in read_figures(engine, first, last)]
    if not known:
        return Findings()
    figures = read_over(engine, [*((day, day) for day in known), (first, last)])
    if summary.course:
        figures = {span: hide_few(each, _count_students(each)) for span, each in figures.items()}
    ((since,),) = read_rows(engine, _BEGIN, {})
    names = [figure.name for figure in PERIOD_FIGURES]
    section = Section(
        "engagement",
        _TITLE.to(language),
        (Column("day", DAY.to(language), "day"), *figure_columns(PERIOD_FIGURES, language)),
        tuple(Row((day, *(figures[day, day][name] for name in names))) for day in known),
        (_SINCE.to(language, since=since),),
        (TOTAL.to(language), *(figures[first, last][name] for name in names)),
    )
    return Findings((section,))


def _count_students(figures: Values) -> float:
    return sum(figures[each.name] or 0 for each in (NEW_STUDENTS, RETURNING_STUDENTS))
