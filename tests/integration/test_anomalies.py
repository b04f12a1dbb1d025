"""Anomalies in the database: kept by day and course, the same whatever the order of loads; days off are left out."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from schemas.period import Window
from schemas.record import Record
from tasks.analyses.anomalies import analyse_anomalies
from tasks.analyses.term import analyse_term
from tasks.anomalies import read_anomalies, read_unjudged
from tasks.days_off import find_days_off
from tasks.figures import compute_figures, rebuild_figures
from tests.fixtures.records import COURSE, passback, record, submit
from tests.integration.loading import load
from tests.integration.test_analyses import a_day, shown, the
from tests.integration.test_cases import export

ZONE = ZoneInfo("UTC")
MONDAYS = [date(2023, 1, 2) + timedelta(weeks=number) for number in range(9)]
OUTAGE = MONDAYS[7]


def records_of(day: date, make: Callable[..., Record] = submit, **changes: object) -> list[Record]:
    """A record of each of twenty students."""
    return [
        make(lti_user_id=f"{number:032x}", created_at=f"{day} 09:00:{number:02}.000001", **changes)
        for number in range(20)
    ]


def load_day(engine: Engine, day: date, records: Sequence[Record] | None = None, *, hours: int = 24) -> None:
    """Loads a day; without records it is as usual, or the outage."""
    usual = [] if day == OUTAGE else records_of(day, record)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    load(engine, usual if records is None else records, Window(start, start + timedelta(hours=hours)))


@pytest.mark.parametrize("order", [MONDAYS, MONDAYS[::-1], MONDAYS[4:] + MONDAYS[:4]])
def test_an_outage_is_kept_in_all_and_in_its_course_whatever_the_order(engine: Engine, order: list[date]) -> None:
    for day in order:
        load_day(engine, day)
        compute_figures(engine, [], ZONE)
    found = read_anomalies(engine, MONDAYS[0], MONDAYS[-1])
    flagged = [(each.day, each.course, each.figure) for each in found if each.figure == "attempts"]
    assert flagged == [(OUTAGE, "", "attempts"), (OUTAGE, COURSE, "attempts")]
    assert read_unjudged(engine, MONDAYS[0], MONDAYS[-1], ZONE).short == tuple(MONDAYS[:5])
    rebuild_figures(engine, ZONE)
    assert read_anomalies(engine, MONDAYS[0], MONDAYS[-1]) == found
    rebuild_figures(engine, ZONE, frozenset([OUTAGE]))
    assert read_anomalies(engine, MONDAYS[0], MONDAYS[-1]) == []
    assert read_unjudged(engine, OUTAGE, OUTAGE, ZONE, frozenset([OUTAGE])).off == (OUTAGE,)


ANOTHER = "course-v1:Uni+TINY+2023"
FAULTY: dict[str, Callable[[date], list[Record]]] = {
    "rejected": lambda day: records_of(day) + records_of(day, record, is_correct=7)[:15],
    "duplicates": lambda day: records_of(day) + records_of(day)[:15],
    "unreadable_course": lambda day: records_of(day)[:9] + records_of(day, passback_params="?")[9:],
    "success_rate": lambda day: records_of(day, is_correct=0),
}


@pytest.mark.parametrize("figure", FAULTY)
def test_records_that_are_rejected_repeated_without_a_course_or_all_wrong_are_an_anomaly(
    engine: Engine, figure: str
) -> None:
    for day in MONDAYS[:6]:
        load_day(engine, day, records_of(day))
    load_day(engine, MONDAYS[6], FAULTY[figure](MONDAYS[6]))
    compute_figures(engine, [], ZONE)
    found = read_anomalies(engine, MONDAYS[0], MONDAYS[6])
    assert {each.day for each in found} == {MONDAYS[6]}
    assert ("", figure) in {(each.course, each.figure) for each in found}


def test_an_export_gives_each_anomaly_with_what_was_expected(engine: Engine) -> None:
    for day in MONDAYS:
        load_day(engine, day)
    compute_figures(engine, [], ZONE)
    rows = export(engine, "anomalies", MONDAYS[0], MONDAYS[-1])
    assert list(rows[0]) == ["day", "course", "figure", "value", "expected", "low", "high"]
    assert [row["course"] for row in rows if row["figure"] == "attempts"] == ["", COURSE]
    first = next(row for row in rows if row["figure"] == "attempts")
    assert (first["day"], first["value"], first["expected"]) == (str(OUTAGE), "0.0000", "20.0000")
    assert 0 < float(first["low"]) < 20 < float(first["high"])


def test_the_report_tells_what_was_unusual_and_what_was_not_judged_and_why(engine: Engine) -> None:
    tiny = passback(lis_result_sourcedid=f"{ANOTHER}:lms.uni.example-task:student")
    for day in MONDAYS:
        load_day(
            engine, day, None if day == OUTAGE else records_of(day, record) + records_of(day, passback_params=tiny)[:3]
        )
    load_day(engine, MONDAYS[0] + timedelta(1), records_of(MONDAYS[0] + timedelta(1)), hours=12)
    compute_figures(engine, [], ZONE)

    def read(day: date, **parts: Any) -> tuple[list[tuple[Any, ...]], str, list[str]]:
        findings = analyse_anomalies(engine, a_day(day, **parts))
        section = the(findings, "anomalies")
        rows = shown(section, "course", "figure", "value", "expected")
        return rows, " ".join(section.notes), [each.text for each in findings.headlines]

    rows, notes, headlines = read(OUTAGE)
    short = "too little history or too few students:"
    assert ("all courses", "Attempts", "0", "23") in rows
    assert (COURSE.removeprefix("course-v1:"), "Attempts", "0", "20") in rows
    assert headlines[0].endswith("all courses: Attempts 0, expected 23")
    assert f"Not judged in a course, {short} Uni+TINY+2023." in notes
    assert f"Not judged, {short} {MONDAYS[4]}." in read(MONDAYS[4])[1]
    rows, notes, headlines = read(MONDAYS[8])
    assert (rows, headlines) == ([], [])
    assert notes.startswith("Nothing unusual was found.")
    assert f"Not judged, {short}" not in notes
    assert f"Not judged, incomplete day: {MONDAYS[0] + timedelta(1)}." in read(MONDAYS[0] + timedelta(1))[1]
    for holidays in ((OUTAGE,), "RU"):
        rebuild_figures(engine, ZONE, find_days_off(holidays))
        day = OUTAGE if holidays != "RU" else MONDAYS[0]
        rows, notes, headlines = read(day, holidays=holidays)
        assert (rows, headlines) == ([], [])
        assert f"Not judged, day off: {day}." in notes


def test_a_day_off_judges_no_other(engine: Engine) -> None:
    """Two of the eight days are off, so the four that are left are too few."""
    for day in MONDAYS[:7]:
        load_day(engine, day)
    compute_figures(engine, [], ZONE)
    assert read_unjudged(engine, MONDAYS[6], MONDAYS[6], ZONE).short == ()
    off = frozenset(MONDAYS[:2])
    rebuild_figures(engine, ZONE, off)
    assert read_unjudged(engine, MONDAYS[6], MONDAYS[6], ZONE, off).short == (MONDAYS[6],)


def test_the_term_shows_what_was_usual_and_marks_the_days_that_are_anomalies(engine: Engine) -> None:
    for day in MONDAYS:
        load_day(engine, day)
    compute_figures(engine, [], ZONE)
    section = the(analyse_term(engine, a_day(MONDAYS[-1])), "term")
    days = dict(zip(section.values("day"), section.rows, strict=True))
    assert list(days) == [MONDAYS[0] + timedelta(days=number) for number in range(57)]
    # No day between them is loaded, and of the first ones nothing is known to judge by.
    assert days[MONDAYS[0]].values[1:] == (20, None, None, "no")
    assert days[MONDAYS[0] + timedelta(1)].values[1:] == (None, None, None, "no")
    (outage,) = (
        each for each in read_anomalies(engine, OUTAGE, OUTAGE) if (each.course, each.figure) == ("", "attempts")
    )
    assert days[OUTAGE].values[1:] == (0, round(outage.low), round(outage.high), "yes")
    assert [day for day, row in days.items() if row.tone == "warning"] == [OUTAGE]
    assert not analyse_term(engine, a_day(MONDAYS[3])).sections  # so short a history is all in the days
    off = the(analyse_term(engine, a_day(MONDAYS[-1], holidays=(MONDAYS[-1],))), "term")
    assert off.rows[-1].values[2:4] == (None, None)
