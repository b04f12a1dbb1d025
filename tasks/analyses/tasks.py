"""Tasks: how students fare with each of them over the last four weeks, those to rewrite first."""

from datetime import timedelta
from typing import Final

from sqlalchemy.engine import Engine

from schemas.language import Counted, Text
from schemas.section import Column, Findings, Headline, Row, Section, figure_columns
from schemas.small_numbers import FEWEST_STUDENTS, withhold
from schemas.summary import RunSummary
from schemas.task_figures import (
    FIRST_SUBMIT_CORRECTNESS,
    SHARE_UNSOLVED,
    STUDENTS_LOST,
    STUDENTS_SOLVED,
    STUDENTS_TRIED,
    TASK_FIGURES,
    UNSOLVED_HIGH,
    UNSOLVED_LOW,
)
from schemas.wording import ATTEMPTS_SPAN, COURSE, TASK
from tasks.learning import Values, read_names, read_tasks

DAYS: Final = 28
MOST_NAMED: Final = 3
"""So many tasks are said to ask for attention."""

_TITLE: Final = Text("Задачи за четыре недели", "Tasks over four weeks")
_RANK: Final = Text("Переписать", "To rewrite")
_RANK_MEANING: Final = Text(
    f"Место в очереди на переработку: больше всего ушедших не решив, затем нижняя граница доли не решивших. Только "
    f"задачи, которые пробовали не меньше {FEWEST_STUDENTS} студентов.",
    f"Place in the queue for rewriting: most students lost, then the lower bound of the share unsolved. Only tasks "
    f"that at least {FEWEST_STUDENTS} students tried.",
)
_TREND: Final = Text("К прошлым четырём неделям", "Against the four weeks before")
_TREND_MEANING: Final = Text(
    "Изменение доли верных с первой отправки.", "Change in the share of first submits that are right."
)
_ATTENTION: Final = Text("{tasks} просят внимания: {names}", "{tasks} to look at: {names}")
_SOLVED: Final = tuple(each.name for each in (STUDENTS_SOLVED, SHARE_UNSOLVED, UNSOLVED_LOW, UNSOLVED_HIGH))
"""All that says how many have solved it, which the weeks of the course say of all its tasks."""
_TASKS: Final = Counted(("задача", "задачи", "задач"), ("task", "tasks"))


def analyse_tasks(engine: Engine, summary: RunSummary) -> Findings:
    """A row for each task with an attempt in the four weeks that end with the period.

    Raises:
        TransientError, PermanentError: the database cannot be read.
    """
    language, last = summary.language, summary.period.last_day
    first = last - timedelta(days=DAYS - 1)
    figures = read_tasks(engine, first, last)
    if not figures:
        return Findings()
    compared = (STUDENTS_TRIED, FIRST_SUBMIT_CORRECTNESS)
    before = read_tasks(engine, first - timedelta(days=DAYS), first - timedelta(days=1), compared)
    names = read_names(engine, first, last)
    ranks = rank(figures)
    order = sorted(figures, key=lambda key: (ranks.get(key, len(figures)), names[key].name(language)))
    section = Section(
        "tasks",
        _TITLE.to(language),
        (
            Column("rank", _RANK.to(language), "count", meaning=_RANK_MEANING.to(language)),
            Column("course", COURSE.to(language), "text"),
            Column("task", TASK.to(language), "text"),
            *figure_columns(TASK_FIGURES, language),
            Column("trend", _TREND.to(language), "change", meaning=_TREND_MEANING.to(language)),
        ),
        tuple(
            Row(
                (
                    ranks.get(key),
                    names[key].course.removeprefix("course-v1:"),
                    names[key].link(language),
                    *figures[key].values(),
                    _trend(figures[key], before.get(key)),
                )
            )
            for key in order
        ),
        (ATTEMPTS_SPAN.to(language, first=first, last=last),),
    )
    worst = [names[key].name(language) for key in order if key in ranks and figures[key][STUDENTS_LOST.name]][
        :MOST_NAMED
    ]
    told = _ATTENTION.to(language, tasks=_TASKS.to(language, len(worst)), names=", ".join(worst))
    public = withhold(
        section,
        language,
        group=STUDENTS_TRIED.name,
        hidden=[*(each.name for each in TASK_FIGURES if each is not STUDENTS_TRIED), "trend"],
        within="course",
        added_up=_SOLVED,
    )
    return Findings((public,), (Headline(told, "attention"),) if worst else ())


def rank(figures: dict[tuple[str, str], Values]) -> dict[tuple[str, str], int]:
    """Places in the queue for rewriting, from 1: by students lost, then by the lower bound of the share unsolved."""
    ranked = [
        key
        for key, values in figures.items()
        if (values[STUDENTS_TRIED.name] or 0) >= FEWEST_STUDENTS and values[SHARE_UNSOLVED.name]
    ]
    ranked.sort(
        key=lambda key: (-(figures[key][STUDENTS_LOST.name] or 0), -(figures[key][UNSOLVED_LOW.name] or 0), key)
    )
    return {key: place for place, key in enumerate(ranked, 1)}


def _trend(now: Values, before: Values | None) -> float | None:
    if before is None or (before[STUDENTS_TRIED.name] or 0) < FEWEST_STUDENTS:
        return None
    present, past = (values[FIRST_SUBMIT_CORRECTNESS.name] for values in (now, before))
    return None if present is None or past is None else present - past
