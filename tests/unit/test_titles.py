"""Titles of tasks: any of the files that authors have, and every line that cannot be used is named."""

from pathlib import Path

import pytest

from tasks.errors import PermanentError
from tasks.titles import Title, parse, read_file

COURSE = "course-v1:Uni+PY+2023"
LINES = f"course,task,title,position,retired\n{COURSE},a1,Циклы,1,\n{COURSE},b2,Списки,2,yes\n"
TITLES = [Title(COURSE, "a1", "Циклы", 1), Title(COURSE, "b2", "Списки", 2, retired=True)]


@pytest.mark.parametrize(
    "content",
    [
        LINES.encode(),
        LINES.encode("utf-8-sig"),
        LINES.replace(",", ";").encode("cp1251"),
        LINES.replace("\n", "\r\n").encode(),
        LINES.replace(",", "\t").replace("course\t", "Курс\t").replace("title", "Название").encode(),
    ],
    ids=["utf-8", "with a mark", "cp1251 and semicolons", "windows", "tabs, in Russian"],
)
def test_a_file_is_read_however_it_was_saved(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "titles.csv").write_bytes(content)
    assert read_file(tmp_path / "titles.csv") == (TITLES, [])


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (f"{COURSE},,No task,,", "course or task is missing"),
        (f"{COURSE},c3,Third,third,", "'third' is not a position"),
        (f"{COURSE},a1,Another,,", "'Циклы'"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_the_rest_is_used(line: str, named: str) -> None:
    titles, problems = parse([row.split(",") for row in [*LINES.splitlines(), line]], "titles.csv")
    assert titles == TITLES
    assert len(problems) == 1
    assert "titles.csv, line 4" in problems[0]
    assert named in problems[0]


def test_a_task_without_a_title_is_not_named_yet_and_no_mistake() -> None:
    assert parse([["title", "task", "course"], ["", "a1", COURSE], []], "x") == ([], [])


@pytest.mark.parametrize("rows", [[], [["course", "task"]]])
def test_a_file_without_the_columns_says_which(rows: list[list[str]]) -> None:
    with pytest.raises(PermanentError, match="title"):
        parse(rows, "x")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match=r"TASK_TITLES.*missing\.csv"):
        read_file(tmp_path / "missing.csv")
