"""The mail: whatever the server does, no reader gets it twice, and one line says what became of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tasks.errors import CodegraderError, PermanentError, TransientError
from tasks.mail_server import send_message
from tests.faults import fault, faults
from tests.fixtures.pipelines import Pipelines
from tests.integration.test_mail import ANNA, DEAN, block, failure, report
from tests.sandbox.certificates import PrivateAuthority
from tests.sandbox.grader import RecordList
from tests.sandbox.smtp import SmtpBehaviour, SmtpSandbox
from tests.sandbox.world import SPREADSHEET_ID


@pytest.fixture(scope="module", params=["starttls", "ssl"])
def server_of_all_tests(request: pytest.FixtureRequest) -> Iterator[SmtpSandbox]:
    with SmtpSandbox(request.param) as sandbox:
        yield sandbox


@pytest.fixture
def server(server_of_all_tests: SmtpSandbox, monkeypatch: pytest.MonkeyPatch) -> SmtpSandbox:
    """A mail server that this process trusts, and that has no mail yet."""
    monkeypatch.setenv("SSL_CERT_FILE", str(server_of_all_tests.ca_file))
    server_of_all_tests.behaviour = SmtpBehaviour()
    server_of_all_tests.forget()
    return server_of_all_tests


GREYLIST: Final = dict.fromkeys([DEAN, ANNA], "451 4.7.1 Greylisted, try again later")
FAILURES: Final[dict[str, tuple[SmtpBehaviour, type[CodegraderError]]]] = {
    "the connection is lost at the login": (SmtpBehaviour(drop_at="login"), TransientError),
    "the connection is lost at the sender": (SmtpBehaviour(drop_at="sender"), TransientError),
    "the connection is lost at the recipient": (SmtpBehaviour(drop_at="recipient"), TransientError),
    "the connection is lost while the text is under way": (SmtpBehaviour(drop_at="text"), PermanentError),
    "the server falls silent after DATA": (SmtpBehaviour(silent_after_text=True), PermanentError),
    "the text is refused for now": (SmtpBehaviour(refuse_text="451 4.3.0 Mailbox busy"), TransientError),
    "the mailbox is full": (SmtpBehaviour(refuse_text="552 5.2.2 Mailbox full"), PermanentError),
    "the text is taken for spam": (SmtpBehaviour(refuse_text="554 5.7.1 Spam"), PermanentError),
    "a greylist: recipients are refused at first, for now (451)": (
        SmtpBehaviour(refuse_recipients=GREYLIST),
        TransientError,
    ),
}


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    faults(
        "mail",
        "never sent twice: tried again, up to four times, only where nothing was sent; else one line, which says so "
        "where it may or may not have arrived",
        FAILURES,
    ),
)
def test_a_server_that_fails(
    server: SmtpSandbox,
    monkeypatch: pytest.MonkeyPatch,
    behaviour: SmtpBehaviour,
    kind: type[CodegraderError],
) -> None:
    monkeypatch.setattr("tasks.mail_server.SEND_TIMEOUT_S", 1.0)
    server.behaviour = behaviour

    error = failure(block(server))

    assert isinstance(error, kind)
    assert (behaviour.refuse_text or "") in str(error)
    is_uncertain = behaviour.silent_after_text or behaviour.drop_at == "text"
    assert ("may or may not have arrived" in str(error)) == is_uncertain
    assert len(server.messages) == behaviour.silent_after_text
    if kind is TransientError:
        server.behaviour = SmtpBehaviour()
        send_message(block(server), report())
        assert [received.recipients for received in server.received] == [(DEAN, ANNA)]


@fault("mail", "the certificate has expired", "nothing is sent, not even the password; one line, not tried again")
def test_an_expired_certificate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = PrivateAuthority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    with SmtpSandbox(certificate=authority.issue(expired=True)) as sandbox:
        error = failure(block(sandbox))
    assert isinstance(error, PermanentError)
    assert "certificate" in str(error)


def of_a_run(mark: pytest.MarkDecorator, what: str, *arguments: Any) -> Any:
    promise = "sheet and report are written; the run fails with one line; nobody gets a second mail about it"
    return pytest.param(*arguments, marks=[mark, fault("mail", f"a whole run{what}", promise)])


@pytest.mark.parametrize(
    ("behaviour", "mails"),
    [
        of_a_run(pytest.mark.slow, " loses the connection after DATA", SmtpBehaviour(drop_after_data=True), 1),
        of_a_run(pytest.mark.stress, "'s mail is too large", SmtpBehaviour(max_message_bytes=2000), 0),
    ],
)
def test_a_whole_run(pipelines: Pipelines, behaviour: SmtpBehaviour, mails: int) -> None:
    pipeline = pipelines.make(RecordList([]))
    # The size is announced when a client connects, so this one holds for whoever connects from now on.
    pipeline.world.smtp.behaviour = behaviour

    state = pipeline.run("2023-04-01", "2023-04-01")

    assert state.is_failed()
    assert ("may or may not have arrived" if mails else "552") in str(state.message)
    assert "\n" not in str(state.message)
    assert "Traceback" not in pipeline.log()
    # Not even the short one about failed runs.
    assert len(pipeline.world.smtp.messages) == mails
    assert len(pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")) == 2
    assert (pipeline.home / "reports" / "2023-04-01.html").exists()
