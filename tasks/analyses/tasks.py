"""Tasks: how students fare with each of them over the last four weeks, and the way through each course."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from sqlalchemy.engine import Engine

from schemas.courses import course_name
from schemas.language import Counted, Language, Text, write_number
from schemas.section import Column, Findings, Headline, Line, Row, Section, figure_columns
from schemas.small_numbers import FEWEST_STUDENTS, withhold
from schemas.summary import RunSummary
from schemas.task_figures import (
    FIRST_SUBMIT_CORRECTNESS,
    FIRST_SUBMITS,
    PLACE,
    REACHED,
    SHARE_UNSOLVED,
    STUDENTS_LOST,
    STUDENTS_SOLVED,
    STUDENTS_TRIED,
    TASK_FIGURES,
    UNSOLVED_HIGH,
    UNSOLVED_LOW,
    WAY_FIGURES,
)
from schemas.wording import ATTEMPTS_SPAN, COURSE, TASK
from tasks.learning import Task, Values, read_names, read_tasks, read_weeks

DAYS: Final = 28
WEEKS: Final = 8
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
_WEEKS: Final = Text("Верно с первой отправки, по неделям", "First submit right, by week")
_WEEKS_MEANING: Final = Text(
    f"Последние {WEEKS} недель, первая и последняя из них в процентах; недели, где впервые отправили меньше "
    f"{FEWEST_STUDENTS} студентов, пропущены.",
    f"The last {WEEKS} weeks, the first and the last of them in per cent; weeks in which fewer than {FEWEST_STUDENTS} "
    f"students handed it in for the first time are left out.",
)
_TOLD: Final = Text(
    "«{task}»: бросивших, не решив, {lost} из {students}; стоит переписать или объяснить",
    "“{task}”: {lost} of {students} gave it up unsolved; rewrite or explain it",
)
_SOLVED: Final = tuple(each.name for each in (STUDENTS_SOLVED, SHARE_UNSOLVED, UNSOLVED_LOW, UNSOLVED_HIGH))
"""All that says how many have solved it, which the weeks of the course say of all its tasks."""
_BOUNDS: Final = (UNSOLVED_LOW.name, UNSOLVED_HIGH.name)
_STUDENTS: Final = Counted(("студента", "студентов", "студентов"), ("student", "students"))
_TASKS: Final = Counted(
    ("задача просит внимания", "задачи просят внимания", "задач просят внимания"),
    ("task to look at", "tasks to look at"),
)
_WAY_TITLE: Final = Text("Путь по курсу", "The way through each course")

Figures = Mapping[tuple[str, str], Values]
"""Those of each task, by course and task."""
Names = Mapping[tuple[str, str], Task]


def analyse_tasks(engine: Engine, summary: RunSummary) -> Findings:
    """A row for each task with an attempt in the four weeks that end with the period: its place, and how students fare.

    Raises:
        TransientError, PermanentError: the database cannot be read.
    """
    language, last = summary.language, summary.period.last_day
    first = last - timedelta(days=DAYS - 1)
    figures = read_tasks(engine, first, last, (*TASK_FIGURES, *WAY_FIGURES))
    if not figures:
        return Findings()
    compared = (STUDENTS_TRIED, FIRST_SUBMIT_CORRECTNESS)
    before = read_tasks(engine, first - timedelta(days=DAYS), first - timedelta(days=1), compared, FIRST_SUBMITS)
    weeks = read_weeks(engine, last, WEEKS)
    names = read_names(engine, first, last)
    note = ATTEMPTS_SPAN.to(language, first=first, last=last)
    ranks = rank(figures)
    order = sorted(figures, key=lambda key: (ranks.get(key, len(figures)), names[key].name(language)))
    rows = tuple(
        Row(
            (
                names[key].link(language),
                course_name(names[key].course),
                ranks.get(key),
                *(figures[key][each.name] for each in TASK_FIGURES),
                _trend(figures[key], before.get(key)),
                Line.of(weeks[key], language),
            ),
            key=key,
        )
        for key in order
    )
    section = withhold(
        Section("tasks", _TITLE.to(language), _columns(language), rows, (note,), grouped_by="course"),
        language,
        group=STUDENTS_TRIED.name,
        hidden=[*(each.name for each in TASK_FIGURES if each is not STUDENTS_TRIED), "trend", "weeks"],
        within="course",
        added_up=_SOLVED,
    )
    worst = [key for key in order if key in ranks and figures[key][STUDENTS_LOST.name]][:MOST_NAMED]
    return Findings(
        (describe_way(figures, names, note, language), section), tuple(_tell(worst, figures, names, section, language))
    )


def _columns(language: Language) -> tuple[Column, ...]:
    return (
        Column("task", TASK.to(language), "text"),
        Column("course", COURSE.to(language), "text"),
        Column("rank", _RANK.to(language), "count", meaning=_RANK_MEANING.to(language)),
        *(
            replace(each, bounds=_BOUNDS) if each.name == SHARE_UNSOLVED.name else each
            for each in figure_columns(TASK_FIGURES, language)
        ),
        Column("trend", _TREND.to(language), "change", meaning=_TREND_MEANING.to(language)),
        Column("weeks", _WEEKS.to(language), "text", meaning=_WEEKS_MEANING.to(language)),
    )


def _tell(
    worst: Sequence[tuple[str, str]], figures: Figures, names: Names, section: Section, language: Language
) -> Iterator[Headline]:
    """A headline for each of these tasks; how many there are is said once, by the first."""
    for key in worst:
        lost, tried = (int(figures[key][figure.name] or 0) for figure in (STUDENTS_LOST, STUDENTS_TRIED))
        said = {"lost": write_number(lost, language), "students": _STUDENTS.to(language, tried)}
        told = _TOLD.to(language, task=names[key].name(language), **said)
        short = _TASKS.to(language, len(worst)) if key == worst[0] else ""
        yield Headline(told, "todo", short, names[key].url, section.name)


def describe_way(figures: Figures, names: Names, note: str, language: Language) -> Section:
    """A row a task, each course's in the order in which its students first meet them."""

    def place(key: tuple[str, str]) -> tuple[object, ...]:
        course, task = key
        return course, figures[key][PLACE.name], -(figures[key][REACHED.name] or 0), task

    section = Section(
        "way",
        _WAY_TITLE.to(language),
        (
            Column("task", TASK.to(language), "text"),
            Column("course", COURSE.to(language), "text"),
            *(
                each if each.name == PLACE.name else replace(each, drawn="bar")
                for each in figure_columns(WAY_FIGURES, language)
            ),
        ),
        tuple(
            Row((names[key].link(language), course_name(key[0]), *(figures[key][each.name] for each in WAY_FIGURES)))
            for key in sorted(figures, key=place)
        ),
        (note,),
        grouped_by="course",
    )
    hidden = [each.name for each in WAY_FIGURES if each is not REACHED]
    return withhold(section, language, group=REACHED.name, hidden=hidden)


def rank(figures: Figures) -> dict[tuple[str, str], int]:
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
