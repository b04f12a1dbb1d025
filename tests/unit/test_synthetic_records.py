"""The made-up records: the same everywhere, as many and as varied as the real service's, and never twice."""

import ast
import hashlib
import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TypedDict, cast

import pytest

from schemas.period import Window
from schemas.record import Record as ApiRecord
from tasks.check import check
from tasks.transform import transform
from tests.sandbox.grader import SyntheticRecords

DAYS = [date(2025, 3, 1) + timedelta(days=number) for number in range(60)]
MICROSECOND = timedelta(microseconds=1)
LATER = date(2100, 1, 1)
REJECTED_BY = ("user id present", "valid time", "allowed verdicts")
WARNED_OF_BY = ("run without verdict", "submit with verdict", "LTI parameters parsed")


class Record(TypedDict):
    """A record in the shape of the API."""

    lti_user_id: str
    passback_params: str
    is_correct: int | None
    attempt_type: str
    created_at: str


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def ask(source: SyntheticRecords, start: datetime, end: datetime) -> list[Record]:
    return cast("list[Record]", list(source.between(start, end)))


@cache
def records_of(day: date) -> list[Record]:
    return ask(SyntheticRecords(), midnight(day), midnight(day + timedelta(days=1)) - MICROSECOND)


@pytest.fixture(scope="module")
def sixty_days() -> dict[date, list[Record]]:
    return {day: records_of(day) for day in DAYS}


def test_a_day_is_the_same_on_every_machine_and_python() -> None:
    written = json.dumps(records_of(date(2023, 4, 1))).encode()
    assert hashlib.sha256(written).hexdigest() == "4b670d8ea857ac00535134b37a54bbc0690f288376d8aa3a803505f8b495be3c"


def test_another_seed_is_another_university() -> None:
    start, end = midnight(date(2025, 3, 1)), midnight(date(2025, 3, 2))
    users = {record["lti_user_id"] for record in records_of(date(2025, 3, 1))}
    others = {record["lti_user_id"] for record in ask(SyntheticRecords("another"), start, end)}
    assert others
    assert not users & others


def test_every_day_has_as_many_records_as_a_real_one_and_none_twice(sixty_days: dict[date, list[Record]]) -> None:
    for day, records in sixty_days.items():
        assert 3500 <= len(records) <= 4600, day
        without_url = sum("lis_outcome_service_url" not in record["passback_params"] for record in records)
        assert 0.12 <= without_url / len(records) <= 0.18, day
        keys = {(record["lti_user_id"], record["created_at"], record["attempt_type"]) for record in records}
        assert len(keys) == len(records), day
    assert len(set(map(len, sixty_days.values()))) > 40


def test_windows_hold_both_their_ends_and_join_without_gap_in_order_of_time() -> None:
    whole = [record for day in DAYS[:3] for record in records_of(day)]
    source, hour = SyntheticRecords(), timedelta(hours=1)
    starts = [midnight(DAYS[0]) + number * hour for number in range(72)]
    assert [record for start in starts for record in ask(source, start, start + hour - MICROSECOND)] == whole
    assert ask(SyntheticRecords(), midnight(DAYS[0]), midnight(DAYS[3]) - MICROSECOND) == whole
    times = [datetime.fromisoformat(f"{record['created_at']}+00:00") for record in whole]
    assert times == sorted(times)
    assert ask(source, times[10], times[20]) == whole[10:21]
    assert ask(source, times[10] + MICROSECOND, times[20] - MICROSECOND) == whole[11:20]


def test_nothing_is_known_of_the_future() -> None:
    noon = datetime(2025, 3, 4, 12, tzinfo=UTC)
    source = SyntheticRecords(now=lambda: noon)
    today = ask(source, midnight(date(2025, 3, 4)), midnight(date(2025, 3, 5)))
    assert today == [record for record in records_of(date(2025, 3, 4)) if record["created_at"] <= "2025-03-04 12"]
    assert ask(source, midnight(date(2025, 3, 5)), midnight(date(2025, 3, 6))) == []


def test_only_what_is_handed_in_has_a_verdict(sixty_days: dict[date, list[Record]]) -> None:
    kinds = Counter(
        (record["attempt_type"], record["is_correct"]) for records in sixty_days.values() for record in records
    )
    assert set(kinds) == {("run", None), ("submit", 0), ("submit", 1)}
    assert kinds["run", None] > kinds["submit", 0] + kinds["submit", 1]


def test_the_launch_parameters_are_a_python_literal() -> None:
    for record in records_of(date(2025, 3, 4)):
        params = ast.literal_eval(record["passback_params"])
        assert repr(params) == record["passback_params"]
        course, host_and_block, user = params["lis_result_sourcedid"].removeprefix("course-v1:").split(":")
        host, block = host_and_block.rsplit("-", 1)
        assert (params["oauth_consumer_key"], host) == ("", "lms.sandbox.example")
        assert user == record["lti_user_id"]
        assert len(user) == len(block) == 32
        assert int(user, 16) >= 0
        url = f"course-v1:{course}/xblock/block-v1:{course}+type@lti+block@{block}/handler_noauth/grade_handler"
        assert params.get("lis_outcome_service_url", url).endswith(url)


@pytest.mark.parametrize("day", [date(2023, 4, 1), *DAYS[:7]])
def test_a_day_has_some_odd_records_of_each_kind_if_asked_for(day: date) -> None:
    window = Window(midnight(day), midnight(day + timedelta(days=1)))
    odd = ask(SyntheticRecords(odd=True), window.start, window.end - MICROSECOND)

    checked = check(cast("list[ApiRecord]", odd), transform(cast("list[ApiRecord]", odd)), window, midnight(LATER))

    found = {result.check: result.rows for result in checked.results if result.rows}
    assert set(found) == {"duplicate rows", *REJECTED_BY, *WARNED_OF_BY}
    assert all(2 <= rows <= 3 for rows in found.values())
    assert len(checked.rejected) == sum(found[name] for name in REJECTED_BY)
    assert checked.warnings == sum(found[name] for name in WARNED_OF_BY)
    assert sum(record not in odd for record in records_of(day)) == len(checked.rejected) + checked.warnings
    assert len(odd) == len(records_of(day)) + checked.duplicates


def test_thousands_of_students_share_a_few_courses_and_sleep_at_night(sixty_days: dict[date, list[Record]]) -> None:
    everything = [record for records in sixty_days.values() for record in records]
    assert len({record["lti_user_id"] for record in everything}) > 3000
    assert len({record["passback_params"].split(":")[3] for record in everything}) == 4
    hours = Counter(record["created_at"][11:13] for record in everything)
    assert hours["02"] * 20 < hours["18"]


def test_students_get_better_with_every_attempt(sixty_days: dict[date, list[Record]]) -> None:
    verdicts: dict[int, list[int]] = defaultdict(list)
    for records in sixty_days.values():
        handed_in: Counter[str] = Counter()
        for record in records:
            if record["is_correct"] is not None:
                handed_in[record["passback_params"]] += 1
                verdicts[handed_in[record["passback_params"]]].append(record["is_correct"])
    share = [sum(verdicts[attempt]) / len(verdicts[attempt]) for attempt in (1, 2, 3)]
    # It rises although those who need a third attempt are not the best.
    assert 0.3 < share[0] < share[1] < share[2] < 0.8
