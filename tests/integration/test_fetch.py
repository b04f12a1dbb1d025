"""Asking the grader's API over HTTP: what each fault becomes, and that the key is nowhere in it."""

import json
import re
import socket
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus, urlsplit

import pytest
from trustme import LeafCert

from tasks import grader_api
from tasks.errors import CodegraderError, PermanentError, TransientError
from tasks.grader_api import fetch_records, parse_records
from tests.faults import fault, faults
from tests.faults.api_faults import FLEETING, LASTING, LIMITS
from tests.faults.gate import AnyReader, Gate, Trip
from tests.fixtures.records import WINDOW, numbered
from tests.sandbox.certificates import PrivateAuthority
from tests.sandbox.grader import Fault, GraderSandbox
from tests.sandbox.grader.faults import Body, FaultKind, Redirect, Reset, Stall, Status, Truncate

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
    sandbox.faults.append(Fault(Status(200, b"[]", {"Content-Encoding": " Identity "})))
    assert fetch(sandbox) == []


@fault("grader API", "a silence shorter than the limit", "waited out")
def test_a_silence_is_waited_out(sandbox: GraderSandbox) -> None:
    sandbox.faults += [Fault(Stall(0.1, "head")), Fault(Stall(0.1, "body"))]
    assert [fetch(sandbox), fetch(sandbox)] == [RECORDS, RECORDS]


# --- faults

QUICK = [what for what in LASTING if what not in ("a body of 300 MB", "a body without end", "a compressed bomb")]


@pytest.mark.parametrize("what", [*FLEETING, *QUICK])
def test_only_what_may_pass_is_worth_asking_for_again(
    sandbox: GraderSandbox, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in LIMITS.get(what, {}).items():
        monkeypatch.setattr(name, value)
    error = refusal(sandbox, {**FLEETING, **LASTING}[what]())
    assert isinstance(error, TransientError if what in FLEETING else PermanentError)
    assert len(sandbox.requests) <= 1
    assert fetch(sandbox) == RECORDS


@fault("grader API", "an error that repeats the key", "the message shows it without the key")
@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        (Status(599, b"<html>try later</html>"), "HTTP 599"),
        (Status(201, b"[]"), "HTTP 201: .*GRADER_API_URL"),
        (Status(204), "HTTP 204: .*GRADER_API_URL"),
        (Status(401, b"[]"), "HTTP 401: .*GRADER_CLIENT and GRADER_CLIENT_KEY"),
        (Status(403, b"[]"), "HTTP 403: .*GRADER_CLIENT"),
        (Status(404, b"[]"), "HTTP 404: .*GRADER_API_URL"),
        (Status(200, b"[]", {"Content-Encoding": "x" * 1000}), "x" * 20),
        (Truncate("length", share=0.0), "cut short"),
        (Truncate("chunked", share=0.0), "cut short"),
        (Truncate("close", share=0.0), "empty"),
        (Body(b'{"errors": "no such client"}'), "no such client"),
        (Body(json.dumps({"errors": f"wrong client_key {KEY}"}).encode()), r"wrong client_key \*\*\*"),
        (Body(json.dumps({"errors": f"no: /?key={quote(KEY, safe='')}"}).encode()), r"no: /\?key=\*\*\*"),
    ],
)
def test_the_message_says_what_happened_and_what_to_check(sandbox: GraderSandbox, kind: FaultKind, fact: str) -> None:
    assert re.search(rf"^grader API: .*{fact}", str(refusal(sandbox, kind)))


def test_the_wait_that_the_service_asks_for_is_handed_on(sandbox: GraderSandbox) -> None:
    error = refusal(sandbox, Status(429, headers={"Retry-After": "17"}))
    assert isinstance(error, TransientError)
    assert error.retry_after == 17


@fault("grader API", "nobody listens at first", "asked again; the message names the setting")
@fault("grader API", "the host's name cannot be resolved", "asked again; the message names the setting")
def test_a_service_that_is_not_there_may_come_back(sandbox: GraderSandbox) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        # Bound, but not listening.
        for host in (f"127.0.0.1:{taken.getsockname()[1]}", NO_HOST):
            error = refusal(sandbox, url=f"http://{host}/api/statistics")
            assert isinstance(error, TransientError)
            assert "GRADER_API_URL" in str(error)


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
    assert "0.1 s" in str(error)


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


# --- over TLS


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PrivateAuthority:
    """An authority that this process trusts, as the machine's owner would have it."""
    authority = PrivateAuthority(tmp_path / "authority")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_file))
    return authority


def over_tls(certificate: LeafCert) -> GraderSandbox:
    return GraderSandbox(RECORDS, client_key=KEY, certificate=certificate)


@pytest.mark.parametrize(
    "flaw",
    faults(
        "grader API",
        "the key is not sent; not asked again; the message says what to check",
        ["an expired certificate", "a certificate for another host", "a certificate that nobody vouches for"],
    ),
)
def test_a_certificate_that_is_not_in_order_is_not_trusted(
    authority: PrivateAuthority, tmp_path: Path, flaw: str
) -> None:
    issuer = PrivateAuthority(tmp_path / "unknown") if "nobody vouches" in flaw else authority
    host = "grader.example" if "another host" in flaw else "127.0.0.1"
    with over_tls(issuer.issue(host, expired="expired" in flaw)) as grader:
        error = refusal(grader)
        assert grader.requests == []
    assert isinstance(error, PermanentError)
    assert "certificate" in str(error)


@pytest.mark.parametrize(
    "kind",
    faults(
        "grader API",
        "asked again",
        {
            "a connection with TLS is reset": [Reset()],
            "a body over TLS is cut short": [Truncate("length")],
            "a body over TLS ends too soon": [Truncate("close")],
        },
    ),
)
def test_what_breaks_off_over_tls_may_come_the_next_time(authority: PrivateAuthority, kind: Reset | Truncate) -> None:
    with over_tls(authority.issue()) as grader:
        assert isinstance(refusal(grader, kind), TransientError)
        assert fetch(grader) == RECORDS


@fault("grader API", "the connection ends in the middle of TLS's greeting", "asked again")
def test_a_greeting_that_breaks_off_is_no_bad_certificate(authority: PrivateAuthority) -> None:
    with over_tls(authority.issue()) as grader:
        url = urlsplit(grader.url)
        with Gate((url.hostname or "", url.port or 0), AnyReader) as gate:
            trip = gate.trip = Trip()
            error = refusal(grader, url=url._replace(netloc=f"127.0.0.1:{gate.port}").geturl())
            assert isinstance(error, TransientError)
            assert trip.happened.is_set()
