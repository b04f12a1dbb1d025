"""The grader's API cannot be reached, or not be trusted: what is said of it, and that the key goes nowhere else."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

import pytest

from schemas.record import parse_records
from tasks.errors import PermanentError, TransientError
from tasks.grader_api import fetch_records
from tests.faults import fault
from tests.faults.api_faults import UNREACHABLE
from tests.faults.one_day import WINDOWS as WINDOWS_OF_THE_DAY
from tests.faults.one_day import OneDay, one_day, one_day_of_all_tests
from tests.records import WINDOW, numbered
from tests.sandbox.certificates import PrivateAuthority, ServerCertificate
from tests.sandbox.grader import Fault, GraderSandbox
from tests.sandbox.grader.fault_kinds import Reset, Truncate
from tests.waiting import wait_until

__all__ = ["one_day", "one_day_of_all_tests"]

RECORDS = numbered(5)
KEY = "s3cret-key-of-the-tests"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PrivateAuthority:
    """An authority that this process trusts, as the machine's owner would have it."""
    authority = PrivateAuthority(tmp_path / "authority")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_file))
    return authority


def over_tls(certificate: ServerCertificate) -> GraderSandbox:
    return GraderSandbox(RECORDS, client_key=KEY, certificate=certificate)


def fetch(url: str, client: str) -> object:
    return parse_records(fetch_records(url, client, KEY, WINDOW))


def test_with_a_certificate_that_is_in_order_the_records_are_read(authority: PrivateAuthority) -> None:
    with over_tls(authority.issue()) as grader:
        assert grader.url.startswith("https://")
        assert fetch(grader.url, grader.client) == RECORDS


PROMISE = "the key is not sent; not asked again; the message says what to check"


@pytest.mark.parametrize(
    "flaw",
    [
        pytest.param("expired", marks=fault("grader API", "an expired certificate", PROMISE)),
        pytest.param("another host", marks=fault("grader API", "a certificate for another host", PROMISE)),
        pytest.param("unknown authority", marks=fault("grader API", "a certificate that nobody vouches for", PROMISE)),
    ],
)
def test_a_certificate_that_is_not_in_order_is_not_trusted(
    authority: PrivateAuthority, tmp_path: Path, flaw: str
) -> None:
    issuer = PrivateAuthority(tmp_path / "unknown") if flaw == "unknown authority" else authority
    hosts = ["grader.example"] if flaw == "another host" else ["127.0.0.1"]
    with over_tls(issuer.issue(hosts, expired=flaw == "expired")) as grader:
        with pytest.raises(PermanentError, match="its TLS certificate cannot be trusted") as refusal:
            fetch(grader.url, grader.client)
        assert grader.requests == []
    assert KEY not in repr(refusal.value)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(Reset(), marks=fault("grader API", "a connection with TLS is reset", "asked again")),
        pytest.param(Truncate("length"), marks=fault("grader API", "a body over TLS is cut short", "asked again")),
        pytest.param(Truncate("close"), marks=fault("grader API", "a body over TLS ends too soon", "asked again")),
    ],
)
def test_what_breaks_off_over_tls_may_come_the_next_time(authority: PrivateAuthority, kind: Reset | Truncate) -> None:
    with over_tls(authority.issue()) as grader:
        grader.faults.append(Fault(kind))
        with pytest.raises(TransientError, match=r"broke|cut short"):
            fetch(grader.url, grader.client)
        assert fetch(grader.url, grader.client) == RECORDS


@pytest.fixture
def hangs_up() -> Iterator[str]:
    """The address of a server that hears a greeting out and then ends the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)

        thread = Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}/api/statistics"
        thread.join(5)
        assert not thread.is_alive()


@fault("grader API", "the connection ends in the middle of TLS's greeting", "asked again")
def test_a_greeting_that_breaks_off_is_no_bad_certificate(hangs_up: str) -> None:
    with pytest.raises(TransientError, match="the connection broke"):
        fetch(hangs_up, "client")


# --- under the whole flow


@pytest.mark.stress
@fault("grader API", "nobody listens, for ever", "given up; every window is missing, and named; the next run has all")
def test_without_the_service_everything_is_missing_until_it_is_back(one_day: OneDay) -> None:
    with one_day.asking(UNREACHABLE):
        state = one_day.run()

    assert state.is_failed()
    assert "it refused the connection" in str(state.message)
    assert f"missing: {len(WINDOWS_OF_THE_DAY)} windows" in str(state.message)
    assert one_day.loaded_windows() == []
    assert one_day.run().is_completed()
    assert one_day.tables() == one_day.untouched


@pytest.mark.stress
@fault("grader API", "an expired certificate, under a whole run", "every window is missing; the next run has all")
def test_an_expired_certificate_costs_the_run_alone(one_day: OneDay, authority: PrivateAuthority) -> None:
    with over_tls(authority.issue(expired=True)) as grader, one_day.asking(grader.url):
        state = one_day.run()
        assert grader.requests == []

    assert state.is_failed()
    assert "its TLS certificate cannot be trusted" in str(state.message)
    assert one_day.loaded_windows() == []
    assert one_day.run().is_completed()
    assert one_day.tables() == one_day.untouched


@pytest.mark.stress
@fault("grader API", "nobody listens at first", "asked again; everything is loaded")
def test_a_service_that_comes_back_is_waited_for(one_day: OneDay, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.extract import extract

    monkeypatch.setattr("flows.running.loading.extract", extract.with_options(retry_delay_seconds=[2] * 4))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    before = one_day.pipeline.log().count("it refused the connection")
    over = Event()

    def come_back() -> None:
        wait_until(lambda: one_day.pipeline.log().count("it refused the connection") > before, 60)
        with one_day.another_grader(port):
            over.wait(120)

    with one_day.asking(at_port(one_day.grader.url, port)), ThreadPoolExecutor(1) as pool:
        coming = pool.submit(come_back)
        try:
            state = one_day.run()
        finally:
            over.set()
        coming.result()

    assert state.is_completed(), state.message
    assert one_day.tables() == one_day.untouched


def at_port(url: str, port: int) -> str:
    return urlsplit(url)._replace(netloc=f"127.0.0.1:{port}").geturl()
