"""Learning figures, case by case: the attempts of `tests/cases/*/attempts.csv`, and the figures they must give."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from schemas.period import Window
from tasks.export import Request, What, read_table, write_table
from tasks.figures import compute_figures
from tests.integration.loading import load

COURSE = "course-v1:Uni+PY+2023"
CASES = sorted((Path(__file__).parents[1] / "cases").iterdir())


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def to_record(attempt: dict[str, str]) -> dict[str, Any]:
    task, course = attempt["task"], attempt.get("course", COURSE)
    sourced_id = f"{course}:lms.uni.example-{task}:{attempt['student']}" if task else "nothing"
    return {
        "lti_user_id": attempt["student"],
        "passback_params": repr({"oauth_consumer_key": "", "lis_result_sourcedid": sourced_id}),
        "is_correct": int(attempt["verdict"]) if attempt["verdict"] else None,
        "attempt_type": attempt["type"],
        "created_at": f"{attempt['at']}.000001",
    }


def load_attempts(engine: Engine, attempts: list[dict[str, str]], zone: str = "UTC") -> tuple[date, date]:
    """Loads them, a window a day, and computes the figures; returns the first and the last day."""
    days = [date.fromisoformat(attempt["at"][:10]) for attempt in attempts]
    first, last = min(days), max(days)
    for number in range(-1, (last - first).days + 2):
        start = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(days=number)
        window = Window(start, start + timedelta(days=1))
        load(engine, [to_record(one) for one in attempts if one["at"][:10] == start.date().isoformat()], window)
    compute_figures(engine, [], ZoneInfo(zone))
    return first, last


def export(engine: Engine, what: What, first: date, last: date, zone: str = "UTC") -> list[dict[str, str]]:
    file = io.BytesIO()
    write_table(read_table(engine, Request(what, first, last, ZoneInfo(zone), "en")), "csv", file)
    return read_csv(file.getvalue().decode())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_gives_its_figures(engine: Engine, case: Path) -> None:
    first, last = load_attempts(engine, read_csv((case / "attempts.csv").read_text()))
    results: tuple[What, ...] = ("tasks", "days")
    for what in results:
        if (case / f"{what}.csv").exists():
            expected = read_csv((case / f"{what}.csv").read_text())
            found = [{name: row[name] for name in expected[0]} for row in export(engine, what, first, last)]
            assert found == expected, what


def test_a_day_is_that_of_the_reporting_zone(engine: Engine) -> None:
    """On 2023-03-26 Berlin's clocks went forward: the day had 23 hours, from 23:00 to 22:00 UTC."""
    moments = ("2023-03-25 22:59:00", "2023-03-25 23:01:00", "2023-03-26 21:59:00", "2023-03-26 22:01:00")
    attempts = [{"student": "ann", "at": at, "type": "run", "verdict": "", "task": "loops"} for at in moments]
    load_attempts(engine, attempts, "Europe/Berlin")
    rows = export(engine, "days", date(2023, 3, 25), date(2023, 3, 27), "Europe/Berlin")
    assert [(row["day"], row["attempts"], row["new_students"]) for row in rows] == [
        ("2023-03-25", "1", "1"),
        ("2023-03-26", "2", "0"),
        ("2023-03-27", "1", "0"),
    ]
