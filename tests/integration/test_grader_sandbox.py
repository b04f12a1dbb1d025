"""The sandbox of the grader API, asked over HTTP: what it answers, and how it fails when it is told to."""

from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.sandbox.grader import Fault, GraderSandbox
from tests.sandbox.grader.faults import Reset

DAY = ("2023-04-01 00:00:00.000000", "2023-04-02 00:00:00.000000")


def record(created_at: object, **others: object) -> dict[str, object]:
    return {"lti_user_id": "a" * 32, "created_at": created_at, **others}


NOON = [record(f"2023-04-01 12:00:0{second}.000000") for second in range(5)]


def parameters(sandbox: GraderSandbox, start: str = DAY[0], end: str = DAY[1]) -> dict[str, str]:
    return {"client": sandbox.client, "client_key": sandbox.client_key, "start": start, "end": end}


def ask(sandbox: GraderSandbox, start: str = DAY[0], end: str = DAY[1]) -> requests.Response:
    return requests.get(sandbox.url, parameters(sandbox, start, end), timeout=5, allow_redirects=False)


def test_a_window_holds_both_its_ends_in_order_of_time_and_is_in_the_log() -> None:
    with GraderSandbox(NOON[::-1]) as sandbox:
        answer = ask(sandbox, "2023-04-01 12:00:01.000000", "2023-04-01 12:00:03")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
        assert answer.json() == NOON[1:4]
        assert ask(sandbox, "2023-04-01 12:00:01.000001", "2023-04-01 12:00:02.999999").json() == NOON[2:3]
        assert ask(sandbox, "2024-04-01 00:00:00", "2024-04-02 00:00:00").text == "[]"
        first, *_ = sandbox.requests
    noon = datetime(2023, 4, 1, 12, tzinfo=UTC)
    assert (first.start, first.end, first.status) == (noon + timedelta(seconds=1), noon + timedelta(seconds=3), 200)


@pytest.mark.parametrize("time_of_day", ["", " 00:00:00", " 00:00:00.0", " 00:00:00.000000"])
def test_a_date_alone_is_its_midnight_as_public_clients_send_it(time_of_day: str) -> None:
    days, fractions = ("01", "02"), ("000000", "000001")
    records = [record(f"2023-04-{day} 00:00:00.{fraction}") for day in days for fraction in fractions]
    with GraderSandbox(records) as sandbox:
        assert ask(sandbox, f"2023-04-01{time_of_day}", f"2023-04-02{time_of_day}").json() == records[:3]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"client": "another"}, 401),
        ({"client_key": "wrong"}, 401),
        ({"client_key": None}, 400),
        ({"end": None}, 400),
        ({"start": ["2023-04-01 00:00:00", "2023-04-02 00:00:00"]}, 400),
        ({"start": ""}, 400),
        ({"start": "2023-04"}, 400),
        ({"end": "2023-04-31 00:00:00.000000"}, 400),
        ({"end": "2023-04-01T00:00:00Z"}, 400),
    ],
)
def test_a_request_that_is_not_right_is_refused(changes: dict[str, str | list[str] | None], status: int) -> None:
    with GraderSandbox(NOON) as sandbox:
        answer = requests.get(sandbox.url, {**parameters(sandbox), **changes}, timeout=5)
        assert answer.status_code == status
        assert list(answer.json()) == ["errors"]
        assert sandbox.client_key not in answer.text
        assert [request.status for request in sandbox.requests] == [status]


def test_odd_records_arrive_as_they_are() -> None:
    odd = [
        record("2023-04-01 12:00:00", is_correct=float("inf"), note="\ud800\x00Ж"),
        {"no": "time"},
        record("yesterday"),
        None,
        record("2023-04-01T15:30:00+03:00"),
    ]
    with GraderSandbox(odd) as sandbox:
        assert ask(sandbox).json() == odd
        assert ask(sandbox, "2023-04-01 12:00:00", "2023-04-01 12:00:00").json() == odd[:4]
        sandbox.replace_records(odd[1:4])
        assert ask(sandbox).json() == odd[1:4]


def test_a_fault_strikes_by_chance_but_always_the_same_way() -> None:
    day = datetime(2023, 4, 1, tzinfo=UTC)

    def pattern(seed: str) -> list[bool]:
        fault = Fault(Reset(), times=None, probability=0.3, seed=seed)
        return [fault.strikes(day) for _ in range(1000)]

    assert pattern("one") == pattern("one") != pattern("two")
    assert 250 < sum(pattern("one")) < 350
