"""Anomalies in the database: kept by day and course, the same whatever the order of loads; days off are left out."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from schemas.period import Window
from tasks.anomalies import read_anomalies, read_unjudged
from tasks.days_off import find_days_off, read_holidays
from tasks.figures import compute_figures, rebuild_figures
from tests.fixtures.records import COURSE, record
from tests.integration.loading import load

ZONE = ZoneInfo("UTC")
MONDAYS = [date(2023, 1, 2) + timedelta(weeks=number) for number in range(9)]
OUTAGE = MONDAYS[7]


def load_day(engine: Engine, day: date) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    records = [
        record(lti_user_id=f"{number:032x}", created_at=f"{day} 09:00:{number:02}.000001")
        for number in range(0 if day == OUTAGE else 20)
    ]
    load(engine, records, Window(start, start + timedelta(days=1)))


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


def test_days_off_are_those_of_a_file_or_a_country(tmp_path: Path) -> None:
    file = tmp_path / "off.txt"
    file.write_text("# exams\n2023-05-01 # May\n\n2023-05-09\n")
    assert read_holidays(str(file)) == (date(2023, 5, 1), date(2023, 5, 9))
    assert date(2023, 5, 9) in find_days_off(read_holidays("ru"))


@pytest.mark.parametrize(("content", "said"), [("2023-05-01\n1 May\n", "line 2"), (None, "off.txt")])
def test_a_holiday_that_is_no_date_and_a_missing_file_are_named(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "off.txt"
    if content:
        file.write_text(content)
    with pytest.raises(ValueError, match=said):
        read_holidays(str(file))
