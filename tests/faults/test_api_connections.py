"""The connection to the grader's API breaks, or leads to somebody who cannot be trusted: the key goes nowhere else."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from trustme import LeafCert

from tasks.errors import PermanentError, TransientError
from tasks.grader_api import fetch_records, parse_records
from tests.faults import fault, faults
from tests.faults.gate import AnyReader, Gate, Trip
from tests.fixtures.records import WINDOW, numbered
from tests.sandbox.certificates import PrivateAuthority
from tests.sandbox.grader import Fault, GraderSandbox
from tests.sandbox.grader.faults import Reset, Truncate

RECORDS = numbered(5)
KEY = "s3cret-key-of-the-tests"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PrivateAuthority:
    """An authority that this process trusts, as the machine's owner would have it."""
    authority = PrivateAuthority(tmp_path / "authority")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.ca_file))
    return authority


def over_tls(certificate: LeafCert) -> GraderSandbox:
    return GraderSandbox(RECORDS, client_key=KEY, certificate=certificate)


def fetch(url: str, client: str) -> object:
    return parse_records(fetch_records(url, client, KEY, WINDOW))


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
        with pytest.raises(PermanentError, match="certificate") as refusal:
            fetch(grader.url, grader.client)
        assert grader.requests == []
    assert KEY not in repr(refusal.value)


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
        grader.faults.append(Fault(kind))
        with pytest.raises(TransientError):
            fetch(grader.url, grader.client)
        assert fetch(grader.url, grader.client) == RECORDS


@fault("grader API", "the connection ends in the middle of TLS's greeting", "asked again")
def test_a_greeting_that_breaks_off_is_no_bad_certificate(authority: PrivateAuthority) -> None:
    with over_tls(authority.issue()) as grader:
        url = urlsplit(grader.url)
        with Gate((url.hostname or "", url.port or 0), AnyReader) as gate:
            trip = gate.trip = Trip()
            with pytest.raises(TransientError):
                fetch(url._replace(netloc=f"127.0.0.1:{gate.port}").geturl(), grader.client)
            assert trip.happened.is_set()
