"""Titles: what an author calls a task, from a CSV or from the tab `Tasks` of the sheet, kept in `task_titles`."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.engine import Engine

from schemas.tables import task_titles
from tasks.database import exclusive_transaction, translate_errors
from tasks.errors import PermanentError

TITLES_TAB: Final = "Tasks"

# Our columns by the names that a header may give them, in any order and in any case.
_HEADERS: Final = {
    "course": ("course", "курс"),
    "task": ("task", "id", "задача"),
    "title": ("title", "название"),
    "position": ("position", "номер"),
    "retired": ("retired", "снята"),
}
_NEEDED: Final = ("course", "task", "title")
_YES: Final = ("yes", "true", "1", "x", "да")
_SAVE: Final = f"""
    INSERT INTO {task_titles.name} (course, task, title, position, retired) VALUES (%s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class Title:
    """What a task is called.

    Attributes:
        course: the course's key, such as `course-v1:Org+Course+Run`.
        position: its place in the course, as the author counts.
        retired: students are not meant to see it any more.
    """

    course: str
    task: str
    title: str
    position: int | None = None
    retired: bool = False


def read_file(path: Path) -> tuple[list[Title], list[str]]:
    """Reads a CSV with a header: course, task, title, and optionally position and retired.

    Commas, semicolons or tabs; UTF-8, or what Excel writes in Russian (cp1251).

    Returns:
        The titles, and a line for each line of the file that cannot be used.

    Raises:
        PermanentError: the file cannot be read, or has no such header.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PermanentError(f"TASK_TITLES: {path} cannot be read ({error.strerror}): correct it in .env") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1251", "replace")
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    return parse(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), f"TASK_TITLES: {path}")


def parse(rows: Iterable[Sequence[str]], source: str) -> tuple[list[Title], list[str]]:
    """Reads titles from rows of cells, the first of which is the header.

    Returns:
        The titles, and a line for each row that cannot be used: without a course or a task, with a position that is no
        number, or with another title than an earlier row. A row without a title is not named yet, and is no mistake.

    Raises:
        PermanentError: a column is missing.
    """
    numbered = enumerate(rows, 1)
    places = find_columns(next(numbered, (1, ()))[1], source)
    titles: dict[tuple[str, str], Title] = {}
    problems = []
    for number, row in numbered:
        cells = {name: row[place].strip() if place < len(row) else "" for name, place in places.items()}
        if not cells["title"]:
            continue
        key = (cells["course"], cells["task"])
        position = cells.get("position", "")
        if not all(key):
            problems.append(f"{source}, line {number}: course or task is missing")
        elif position and not position.isdecimal():
            problems.append(f"{source}, line {number}: {position!r} is not a position: write a whole number")
        elif key in titles:
            problems.append(f"{source}, line {number}: the task has a title already, {titles[key].title!r}")
        else:
            retired = cells.get("retired", "").casefold() in _YES
            titles[key] = Title(*key, cells["title"], int(position) if position else None, retired)
    return list(titles.values()), problems


def find_columns(header: Sequence[str], source: str) -> dict[str, int]:
    """The places of the columns that a header names, by what they are called here.

    Raises:
        PermanentError: course, task or title is missing.
    """
    given = [cell.strip().casefold() for cell in header]
    places = {name: given.index(said) for name, names in _HEADERS.items() for said in names if said in given}
    if missing := [name for name in _NEEDED if name not in places]:
        raise PermanentError(
            f"{source}: its first line names no column {', '.join(missing)}: it needs course,task,title"
        )
    return places


def save_titles(engine: Engine, titles: Iterable[Title]) -> None:
    """Replaces all titles by these.

    Raises:
        TransientError, PermanentError: see `tasks.database.translate_errors`; the titles stand as they were.
    """
    with translate_errors(engine), exclusive_transaction(engine) as connection:
        connection.execute(task_titles.delete())
        for title in titles:
            connection.exec_driver_sql(_SAVE, astuple(title))
