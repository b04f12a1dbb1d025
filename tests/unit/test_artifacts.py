"""The run's page in Markdown: sections as tables, in which nothing from outside is more than text."""

from dataclasses import replace
from datetime import date, timedelta

from flows.running.artifacts import MOST_ROWS, describe_run, escape
from schemas.language import Link, write_day
from schemas.section import Column, Findings, Row, Section
from tests.fixtures.summaries import make_summary

COLUMNS = (Column("task", "Task", "text"), Column("tried", "Tried", "count"))
DAYS = (Column("day", "Day", "day"), Column("tried", "Tried", "count"))


def page(section: Section) -> list[str]:
    summary = replace(make_summary(1), language="en", findings=(Findings((section,)),))
    return describe_run(summary, None).splitlines()


def test_a_section_is_a_table_with_links_and_a_total() -> None:
    link = Link("a|b", "https://lms.example/courses/a|b(c)")
    lines = page(Section("tasks", "Tasks", COLUMNS, (Row((link, 1234)),), ("A note",), ("Total", 1234)))
    assert lines[-8:] == [
        "## Tasks",
        "",
        "| Task | Tried |",
        "| :-- | --: |",
        "| [a\\|b](https://lms.example/courses/a%7Cb%28c%29) | 1,234 |",
        "| Total | 1,234 |",
        "",
        "- A note",
    ]


def test_an_address_that_is_none_of_the_web_is_no_link() -> None:
    lines = page(Section("tasks", "Tasks", COLUMNS, (Row((Link("loops", "javascript:alert(1)"), 1)),)))
    assert "| loops | 1 |" in lines


def test_of_many_days_the_last_are_shown_and_of_many_tasks_the_first() -> None:
    days = [date(2023, 4, 1) + timedelta(days=number) for number in range(MOST_ROWS + 1)]
    lines = page(Section("days", "Days", DAYS, tuple(Row((day, 0)) for day in days)))
    assert f"| {escape(write_day(days[0], 'en'))} | 0 |" not in lines
    assert f"| {escape(write_day(days[-1], 'en'))} | 0 |" in lines
    tasks = tuple(Row((f"task{number}", 0)) for number in range(MOST_ROWS + 1))
    lines = page(Section("tasks", "Tasks", COLUMNS, tasks))
    assert "| task0 | 0 |" in lines
    assert f"| task{MOST_ROWS} | 0 |" not in lines
    assert f"- Rows shown: {MOST_ROWS} of {MOST_ROWS + 1}. The total is that of all." in lines


def test_a_list_of_students_is_not_shown() -> None:
    lines = page(Section("student_list", "Students", COLUMNS, (Row(("ann", 1)),), is_personal=True))
    assert not any("ann" in line for line in lines)
