"""The sandbox of the grader API, asked over HTTP: what it answers, and how it fails when it is told to."""

import http.client
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import requests

from tests.fixtures.waiting import wait_until
from tests.sandbox.grader import Fault, GraderSandbox, SyntheticRecords
from tests.sandbox.grader.faults import Body, Redirect, Reset, Stall, Status, Truncate

ROOT = Path(__file__).resolve().parents[2]
DAY = ("2023-04-01 00:00:00.000000", "2023-04-02 00:00:00.000000")


def record(created_at: object, **others: object) -> dict[str, object]:
    return {"lti_user_id": "a" * 32, "created_at": created_at, **others}


NOON = [record(f"2023-04-01 12:00:0{second}.000000") for second in range(5)]


def parameters(sandbox: GraderSandbox, start: str = DAY[0], end: str = DAY[1]) -> dict[str, str]:
    return {"client": sandbox.client, "client_key": sandbox.client_key, "start": start, "end": end}


def ask(sandbox: GraderSandbox, start: str = DAY[0], end: str = DAY[1]) -> requests.Response:
    return requests.get(sandbox.url, parameters(sandbox, start, end), timeout=5, allow_redirects=False)


def open_connection(sandbox: GraderSandbox) -> http.client.HTTPConnection:
    """Send one request and leave the answer unread."""
    url = urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(url.netloc, timeout=5)
    connection.request("GET", f"{url.path}?{urlencode(parameters(sandbox))}")
    return connection


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


def test_every_record_takes_its_time_and_a_connection_serves_many_requests() -> None:
    with GraderSandbox(NOON, latency_per_record=0.03) as sandbox, requests.Session() as session:
        began = time.monotonic()
        for _ in range(3):
            assert session.get(sandbox.url, params=parameters(sandbox), timeout=5).json() == NOON
        assert time.monotonic() - began >= 3 * 5 * 0.03


def test_a_fault_strikes_as_often_as_it_is_told_and_only_the_windows_it_is_meant_for() -> None:
    overload = Fault(Status(503, headers={"Retry-After": "7"}), times=2)
    in_april = Fault(Body(b"<html>", "text/html"), times=None, when=lambda start: start.month == 4)
    with GraderSandbox(NOON, faults=[overload, in_april]) as sandbox:
        answers = [ask(sandbox) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [503, 503, 200]
        assert (answers[0].headers["Retry-After"], answers[2].text) == ("7", "<html>")
        assert ask(sandbox, "2023-03-31 00:00:00", "2023-04-02 00:00:00").json() == NOON
        sandbox.faults[:] = [Fault(Redirect("https://login.example/"))]
        assert ask(sandbox).headers["Location"] == "https://login.example/"
        assert [request.status for request in sandbox.requests] == [503, 503, 200, 200, 302]


def test_a_fault_strikes_by_chance_but_always_the_same_way() -> None:
    day = datetime(2023, 4, 1, tzinfo=UTC)

    def pattern(seed: str) -> list[bool]:
        fault = Fault(Reset(), times=None, probability=0.3, seed=seed)
        return [fault.strikes(day) for _ in range(1000)]

    assert pattern("one") == pattern("one") != pattern("two")
    assert 250 < sum(pattern("one")) < 350


def test_a_reset_breaks_the_connection_off() -> None:
    with GraderSandbox(NOON, faults=[Fault(Reset())]) as sandbox:
        connection = open_connection(sandbox)
        with pytest.raises(ConnectionResetError):
            connection.getresponse()
        connection.close()
        assert [request.status for request in sandbox.requests] == [None]
        assert ask(sandbox).json() == NOON


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_body_cut_short_is_never_a_list(share: float) -> None:
    kinds = [Truncate("length", share), Truncate("chunked", share), Truncate("close", share)]
    with GraderSandbox(NOON, faults=[Fault(kind) for kind in kinds]) as sandbox:
        for error in ("ChunkedEncodingError", "ChunkedEncodingError", "JSONDecodeError"):
            with pytest.raises(getattr(requests.exceptions, error)):
                ask(sandbox).json()


@pytest.mark.parametrize("stall", [Stall(0.1, "head"), Stall(0.1, "headers"), Stall(0.1, "body")])
def test_a_short_silence_delays_the_answer(stall: Stall) -> None:
    with GraderSandbox(NOON, faults=[Fault(stall)]) as sandbox:
        began = time.monotonic()
        assert ask(sandbox).json() == NOON
        assert time.monotonic() - began >= 0.1


def test_a_closed_sandbox_waits_for_nobody_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    stalls = [Fault(Stall(600, "body")), Fault(Stall(600, "head"))]
    with GraderSandbox(NOON, faults=stalls) as sandbox, requests.Session() as idle:
        stalled_in_body = open_connection(sandbox)
        answer = stalled_in_body.getresponse()
        stalled_in_head = open_connection(sandbox)
        wait_until(lambda: stalls[1].struck == 1)
        assert sandbox.max_parallel_seen == 2
        assert idle.get(sandbox.url, params=parameters(sandbox), timeout=5).json() == NOON
        began = time.monotonic()
    assert time.monotonic() - began < 2
    with pytest.raises(http.client.IncompleteRead):
        answer.read()
    with pytest.raises(ConnectionError):
        stalled_in_head.getresponse()
    stalled_in_body.close()
    stalled_in_head.close()
    assert capfd.readouterr() == ("", "")


def test_nobody_hears_of_a_client_that_goes_away(capfd: pytest.CaptureFixture[str]) -> None:
    big = [record("2023-04-01 12:00:00", text="x" * 1_000_000) for _ in range(20)]
    with GraderSandbox(big) as sandbox:
        leaving = open_connection(sandbox)
        wait_until(lambda: len(sandbox.requests) == 1)
        leaving.close()
        assert ask(sandbox, "2024-01-01 00:00:00", "2024-01-02 00:00:00").json() == []
    assert capfd.readouterr() == ("", "")


def start_process(*options: str, key: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.sandbox.grader", *options],
        cwd=ROOT,
        env={**os.environ, "GRADER_CLIENT_KEY": key},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_runs_as_a_process_of_its_own() -> None:
    day = datetime(2023, 4, 1, tzinfo=UTC)
    with start_process(key="sesame") as process:
        address = process.stdout.readline().strip() if process.stdout else ""
        query = {"client": "sandbox-university", "client_key": "sesame", "start": DAY[0], "end": DAY[1]}
        assert requests.get(address, params=query, timeout=5).json() == SyntheticRecords(odd=True).between(
            day, day + timedelta(days=1)
        )
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=5) == ("", "")
        assert process.returncode == 0


def test_a_process_says_that_it_lacks_a_key() -> None:
    with start_process(key="") as process:
        out, complaints = process.communicate(timeout=5)
    assert (process.returncode, out) == (2, "")
    assert "GRADER_CLIENT_KEY" in complaints
    assert "Traceback" not in complaints
