"""What the report draws: as numbers, which is all that a program can see of a picture."""

import re
from datetime import date, timedelta

import pytest

from schemas.language import Value
from schemas.section import Column, Line, Panel, Row, Section, Tone
from tasks.svg import cell_styles, draw_line, draw_section

FIRST = date(2023, 4, 1)
COUNTS = tuple(Column(name, name.title(), "count") for name in ("all", "low", "high"))


def days(panel: Panel, *values: tuple[float | None, ...], tones: dict[int, Tone] | None = None) -> Section:
    columns = (Column("day", "Day", "day"), *COUNTS[: len(values[0])])
    rows = (
        Row((FIRST + timedelta(number), *each), (tones or {}).get(number, "plain"))
        for number, each in enumerate(values)
    )
    return Section("days", "Days", columns, tuple(rows), panels=(panel,), marked="odd")


def paths(section: Section) -> dict[str, str]:
    (plot,) = draw_section(section, "en").plots
    return {mark.look: mark.path for mark in plot.marks}


def test_bars_are_as_high_as_their_values_and_a_part_stands_before_its_whole() -> None:
    drawn = paths(days(Panel("bars", ("all", "low")), (8, 2), (4, 0)))
    assert list(drawn) == ["bar-0", "bar-1"]
    # Down from the top of 8: none, and half the height of 100.
    assert re.findall(r"V([\d.]+)h", drawn["bar-0"]) == ["0", "50"]
    assert re.findall(r"V([\d.]+)h", drawn["bar-1"]) == ["75", "100"]


def test_no_line_crosses_a_day_without_a_value_and_that_day_is_grey() -> None:
    drawn = paths(days(Panel("line", ("all",)), (10,), (5,), (None,), (10,)))
    assert drawn["line-0"] == "M0.5 0h0L0.5 0 1.5 50M3.5 0h0L3.5 0"
    assert drawn["gap"].startswith("M2.1 ")
    assert draw_line([None, None]) == ""


def test_a_band_lies_between_its_edges_and_what_is_marked_has_a_dot() -> None:
    values = ((5, None, None), (1, 4, 6), (5, 4, 6))
    drawn = paths(days(Panel("band", ("all", "low", "high")), *values, tones={1: "warning"}))
    top = 6
    low, high = (f"{100 * (1 - edge / top):.4g}" for edge in (4, 6))
    assert drawn["band"] == f"M1.5 {low} 2.5 {low} 2.5 {high} 1.5 {high}z"
    assert re.findall("M([^ ]+)", drawn["dot"]) == ["1.5"]
    assert list(drawn) == ["band", "line-0", "dot"]


@pytest.mark.parametrize(
    ("highest", "ticks"), [(0, "2 1 0"), (3, "4 2 0"), (1_790, "2,000 1,000 0"), (2_001, "4,000 2,000 0")]
)
def test_an_axis_has_round_numbers(highest: int, ticks: str) -> None:
    (plot,) = draw_section(days(Panel("bars", ("all",)), (highest,)), "en").plots
    assert " ".join(plot.ticks) == ticks


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (2, 2), (3, 3), (6, 3), (365, 4)])
def test_a_few_days_are_named_the_first_and_the_last_among_them(count: int, shown: int) -> None:
    labels = draw_section(days(Panel("bars", ("all",)), *[(1,)] * count), "en").labels
    assert len(labels) == shown
    names = [name for _, name in labels]
    assert (names[0], names[-1]) == ("Apr 1", f"{FIRST + timedelta(count - 1):%b} {(FIRST + timedelta(count - 1)).day}")


def styles(columns: tuple[Column, ...], rows: tuple[tuple[Value, ...], ...], grouped_by: str = "") -> list[list[str]]:
    section = Section("x", "X", columns, tuple(map(Row, rows)), grouped_by=grouped_by)
    style_of = cell_styles(section)
    return [[style_of(column, row) for column in columns] for row in section.rows]


def test_a_bar_is_a_part_of_the_longest_of_its_group() -> None:
    columns = (
        Column("course", "", "text"),
        Column("a", "", "count", drawn="bar"),
        Column("b", "", "count", drawn="bar"),
    )
    rows: tuple[tuple[Value, ...], ...] = (("large", 200, 100), ("small", 20, 10), ("small", "< 10", None))
    assert styles(columns, rows, "course") == [
        ["", "--share:1.0", "--share:0.5"],
        ["", "--share:1.0", "--share:0.5"],
        ["", "", ""],
    ]
    assert styles(columns, rows)[1] == ["", "--share:0.1", "--share:0.05"]


def test_an_interval_has_its_ends() -> None:
    share = Column("share", "", "share", bounds=("from", "to"))
    columns = (share, Column("from", "", "share"), Column("to", "", "share"))
    assert styles(columns, ((0.5, 0.25, 0.75), (None, None, None))) == [
        ["--share:0.5;--low:0.25;--high:0.75", "", ""],
        ["", "", ""],
    ]


@pytest.mark.parametrize(("points", "text"), [([None, 0.4, 0.5, 0.6], "40% → 60%"), ([0.4], "40%"), ([None], "—")])
def test_a_line_is_a_text_wherever_nothing_can_be_drawn(points: list[float | None], text: str) -> None:
    assert Line.of(points, "en") == text
