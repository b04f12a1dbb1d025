"""Asking the grader's API over HTTP: what each fault becomes, and that the key is nowhere in it."""

import json
import socket
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote, quote_plus

import pytest

from tasks import grader_api
from tasks.errors import CodegraderError, PermanentError, TransientError
from tasks.grader_api import fetch_records, parse_records
from tests.faults import fault
from tests.fixtures.records import WINDOW, numbered
from tests.sandbox.grader import Fault, GraderSandbox
from tests.sandbox.grader.faults import Body, FaultKind, Redirect, Reset, Stall, Status, Stream, Truncate

KEY = "s3cret/+ ключ"
RECORDS = numbered(20)
# Too long for a name, so that no name server is asked.
NO_HOST = f"{'.'.join(['a' * 60] * 5)}.invalid"


@pytest.fixture
def sandbox() -> Iterator[GraderSandbox]:
    with GraderSandbox(RECORDS, client_key=KEY) as sandbox:
        yield sandbox


def fetch(sandbox: GraderSandbox, url: str | None = None, client: str | None = None, key: str = KEY) -> object:
    return parse_records(fetch_records(url or sandbox.url, client or sandbox.client, key, WINDOW))


def everything_of(error: BaseException) -> str:
    """All that a log, a traceback or a debugger would show of an error and of those behind it."""
    chain: list[BaseException] = [error]
    while behind := chain[-1].__cause__ or (not chain[-1].__suppress_context__ and chain[-1].__context__):
        chain.append(behind)
    texts = [f"{one} {one!r} {one.args} {vars(one)}" for one in chain]
    return "\n".join([*texts, *traceback.format_exception(error)])


def refusal(sandbox: GraderSandbox, kind: FaultKind | None = None, **changes: str) -> CodegraderError:
    """The error that asking comes to. It never shows the key, neither as it is nor as an address has it."""
    sandbox.faults[:] = [Fault(kind)] if kind else []
    with pytest.raises(CodegraderError) as caught:
        fetch(sandbox, **changes)
    shown = everything_of(caught.value)
    for secret in {KEY, changes.get("key", KEY)}:
        assert not [
            form for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret)) if form in shown
        ]
    assert "client_key=" not in shown
    assert len(str(caught.value).splitlines()) == 1
    return caught.value


# --- answers


def test_it_asks_for_the_window_in_utc_and_hands_on_what_came(sandbox: GraderSandbox) -> None:
    assert fetch(sandbox) == RECORDS
    (request,) = sandbox.requests
    assert (request.start, request.end) == (WINDOW.start, WINDOW.end)


def test_a_window_without_records_is_an_empty_list() -> None:
    with GraderSandbox([], client_key=KEY) as sandbox:
        assert fetch(sandbox) == []


@fault("grader API", "a silence shorter than the limit", "waited out")
def test_a_silence_is_waited_out(sandbox: GraderSandbox) -> None:
    sandbox.faults += [Fault(Stall(0.1, "head")), Fault(Stall(0.1, "body"))]
    assert [fetch(sandbox), fetch(sandbox)] == [RECORDS, RECORDS]


# --- faults that may pass


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_an_overloaded_service_may_recover(sandbox: GraderSandbox, status: int) -> None:
    error = refusal(sandbox, Status(status, b"<html>try later</html>"))
    assert isinstance(error, TransientError)
    assert str(error) == f"grader API: it answered HTTP {status}"
    assert error.retry_after is None
    assert fetch(sandbox) == RECORDS


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_that_the_service_asks_for_is_handed_on(sandbox: GraderSandbox, status: int) -> None:
    error = refusal(sandbox, Status(status, headers={"Retry-After": "17"}))
    assert isinstance(error, TransientError)
    assert error.retry_after == 17
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    error = refusal(sandbox, Status(status, headers={"Retry-After": in_a_minute}))
    assert isinstance(error, TransientError)
    assert error.retry_after is not None
    assert 0 < error.retry_after <= 60


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        (Reset(), "the connection broke"),
        (Truncate("length"), "its answer was cut short"),
        (Truncate("length", share=0.0), "its answer was cut short"),
        (Truncate("chunked"), "its answer was cut short"),
        (Truncate("chunked", share=0.0), "its answer was cut short"),
        (Truncate("close"), "its answer was cut short or is not JSON"),
        (Truncate("close", share=0.0), "its answer was empty"),
        (Truncate("close", share=1.0), "its answer was cut short or is not JSON"),
        (Body(b""), "its answer was empty"),
    ],
)
def test_an_answer_that_did_not_arrive_may_arrive_the_next_time(
    sandbox: GraderSandbox, kind: FaultKind, complaint: str
) -> None:
    error = refusal(sandbox, kind)
    assert isinstance(error, TransientError)
    assert str(error) == f"grader API: {complaint}"
    assert fetch(sandbox) == RECORDS


@pytest.mark.parametrize("where", ["head", "body"])
def test_a_service_that_falls_silent_is_given_up(
    sandbox: GraderSandbox, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grader_api, "READ_TIMEOUT_S", 0.1)
    error = refusal(sandbox, Stall(600, "head" if where == "head" else "body"))
    assert isinstance(error, TransientError)
    assert str(error) == "grader API: it was silent for 0.1 s"


@pytest.mark.parametrize("kind", [Stall(0.05, "body"), Stream(b" ", b"[", pause=0.01)])
def test_an_answer_that_drips_on_for_ever_is_given_up(
    sandbox: GraderSandbox, kind: FaultKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grader_api, "TOTAL_TIMEOUT_S", 0.0)
    error = refusal(sandbox, kind)
    assert isinstance(error, TransientError)
    assert "was not complete after 0.0 s" in str(error)


@fault("grader API", "the host's name cannot be resolved", "asked again; the message names the setting")
def test_a_service_that_is_not_there_may_come_back(sandbox: GraderSandbox) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        # Bound, but not listening.
        error = refusal(sandbox, url=f"http://127.0.0.1:{taken.getsockname()[1]}/api/statistics")
    assert isinstance(error, TransientError)
    assert str(error) == "grader API: it refused the connection: check GRADER_API_URL and the network"
    error = refusal(sandbox, url=f"http://{NO_HOST}/api/statistics")
    assert isinstance(error, TransientError)
    assert "cannot be resolved" in str(error)


@fault("grader API", "the call is never taken", "given up after ten seconds, then asked again")
@pytest.mark.skipif(sys.platform != "linux", reason="how many calls wait to be taken differs between systems")
def test_a_service_that_does_not_take_the_call_is_given_up(
    sandbox: GraderSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grader_api, "CONNECT_TIMEOUT_S", 0.1)
    with socket.socket() as busy, socket.socket() as first, socket.socket() as second:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        for caller in (first, second):
            caller.setblocking(False)
            caller.connect_ex(busy.getsockname())
        error = refusal(sandbox, url=f"http://127.0.0.1:{busy.getsockname()[1]}/api/statistics")
    assert isinstance(error, TransientError)
    assert str(error) == "grader API: it could not be reached within 0.1 s"


# --- faults that no retry mends


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "check GRADER_API_URL"),
        (401, "check GRADER_CLIENT and GRADER_CLIENT_KEY"),
        (403, "check GRADER_CLIENT, or ask the service for access"),
        (404, "check GRADER_API_URL"),
        (405, "check GRADER_API_URL"),
        (201, "check GRADER_API_URL"),
        (204, "check GRADER_API_URL"),
    ],
)
def test_a_refusal_says_what_to_check(sandbox: GraderSandbox, status: int, advice: str) -> None:
    error = refusal(sandbox, Status(status, b"" if status == 204 else b"[]"))
    assert isinstance(error, PermanentError)
    assert str(error).startswith(f"grader API: it answered HTTP {status}: ")
    assert str(error).endswith(advice)
    assert len(sandbox.requests) == 1


def test_a_wrong_name_key_or_path_is_refused_by_the_service_itself(sandbox: GraderSandbox) -> None:
    assert "HTTP 401" in str(refusal(sandbox, client="another"))
    assert "HTTP 401" in str(refusal(sandbox, key="wr0ng/+ ключ"))
    assert "HTTP 404" in str(refusal(sandbox, url=f"{sandbox.url}/more"))


@fault(
    "grader API",
    "a redirect (301, 302, 303, 307, 308), seen from where it leads",
    "nobody asks there; the key is not sent",
)
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_the_key_is_not_carried_to_another_address(sandbox: GraderSandbox, code: int) -> None:
    with GraderSandbox(RECORDS, client=sandbox.client, client_key=KEY) as another:
        error = refusal(sandbox, Redirect(another.url, code))
        assert another.requests == []
    assert isinstance(error, PermanentError)
    assert "it points to another address, to which the key is not sent" in str(error)


@fault("grader API", "an error that repeats the key", "the message shows it without the key")
@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        (Body(b"<html><title>Log in</title></html>", "text/html"), "its answer is not JSON"),
        (Body(b'{"errors": "no such client"}'), "it refused: no such client"),
        (Body(b"null"), "not a list of records but null"),
        (Body(b"[null]"), "something else than records"),
        (Body(json.dumps({"errors": f"wrong client_key {KEY}"}).encode()), r"it refused: wrong client_key \*\*\*"),
        (Body(json.dumps({"errors": f"no: /?key={quote(KEY, safe='')}"}).encode()), r"it refused: no: /\?key=\*\*\*"),
    ],
)
def test_an_answer_of_another_kind_is_no_data(sandbox: GraderSandbox, kind: FaultKind, complaint: str) -> None:
    error = refusal(sandbox, kind)
    assert isinstance(error, PermanentError)
    assert error.args[0].startswith("grader API: ")
    with pytest.raises(PermanentError, match=complaint):
        raise error


@fault("grader API", "an address that is none", "not asked again; the message names the setting, and not the key")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "grader",
        "ftp://grader.example/",
        "http://",
        "http://[::1",
        "http://a b/",
        "http://.example/",
        "//x",
        "http://x:y/",
    ],
)
def test_what_is_no_web_address_is_said_so(sandbox: GraderSandbox, url: str) -> None:
    with pytest.raises(PermanentError, match="GRADER_API_URL is not a web address") as caught:
        fetch_records(url, sandbox.client, KEY, WINDOW)
    assert KEY not in everything_of(caught.value)
    assert quote_plus(KEY) not in everything_of(caught.value)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x" * 1000])
def test_an_answer_that_is_packed_is_refused(sandbox: GraderSandbox, encoding: str) -> None:
    error = refusal(sandbox, Status(200, b"[]", {"Content-Encoding": encoding}))
    assert isinstance(error, PermanentError)
    assert encoding[:20] in str(error)
    assert fetch(sandbox) == RECORDS


def test_an_answer_that_says_it_is_not_packed_is_read(sandbox: GraderSandbox) -> None:
    sandbox.faults.append(Fault(Status(200, b"[]", {"Content-Encoding": " Identity "})))
    assert fetch(sandbox) == []
