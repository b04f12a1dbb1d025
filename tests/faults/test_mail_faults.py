"""The mail: whatever the server does, no reader gets it twice, and one line says what became of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import mail_server
from tasks.errors import CodegraderError, PermanentError, TransientError
from tasks.mail import send_message
from tests.faults import fault
from tests.fixtures.pipelines import Pipelines
from tests.integration.test_mail import ANNA, DEAN, block, failure, report
from tests.sandbox.certificates import PrivateAuthority
from tests.sandbox.grader import RecordList
from tests.sandbox.smtp import Moment, SmtpBehaviour, SmtpSandbox
from tests.sandbox.world import SPREADSHEET_ID

AGAIN = "nothing was sent; tried again, up to four times"
UNCERTAIN = "never sent twice; one line says that it may or may not have arrived"


@pytest.fixture(params=["starttls", "ssl"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmtpSandbox]:
    """A mail server that this process trusts."""
    with SmtpSandbox(request.param) as sandbox:
        monkeypatch.setenv("SSL_CERT_FILE", str(sandbox.ca_file))
        yield sandbox


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(moment, marks=fault("mail", f"the connection is lost at the {moment}", AGAIN))
        for moment in ("login", "sender", "recipient")
    ],
)
def test_a_connection_lost_before_the_text_costs_nothing(server: SmtpSandbox, moment: Moment) -> None:
    server.behaviour.drop_at = moment
    assert isinstance(failure(block(server)), TransientError)
    assert server.messages == []

    server.behaviour.drop_at = None
    send_message(block(server), report())

    assert len(server.messages) == 1


@fault("mail", "the connection is lost while the text is under way", UNCERTAIN)
def test_a_connection_lost_with_the_text(server: SmtpSandbox) -> None:
    server.behaviour.drop_at = "text"

    error = failure(block(server))

    assert isinstance(error, PermanentError)
    assert "may or may not have arrived" in str(error)


@fault("mail", "the server falls silent after DATA", UNCERTAIN)
def test_a_server_that_never_says_that_it_took_it(server: SmtpSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_server, "SEND_TIMEOUT_S", 0.3)
    monkeypatch.setattr(mail_server, "CONNECT_TIMEOUT_S", 0.3)
    server.behaviour.silent_after_text = True

    error = failure(block(server))

    assert isinstance(error, PermanentError)
    assert "may or may not have arrived" in str(error)
    assert len(server.messages) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        pytest.param(
            "451 4.3.0 Mailbox busy", TransientError, marks=fault("mail", "the text is refused for now", AGAIN)
        ),
        pytest.param("552 5.2.2 Mailbox full", PermanentError, marks=fault("mail", "the mailbox is full", "one line")),
        pytest.param("554 5.7.1 Spam", PermanentError, marks=fault("mail", "the text is taken for spam", "one line")),
    ],
)
def test_a_text_that_is_refused(server: SmtpSandbox, reply: str, kind: type[CodegraderError]) -> None:
    server.behaviour.refuse_text = reply

    error = failure(block(server))

    assert isinstance(error, kind)
    assert reply in str(error)
    assert server.messages == []


@fault("mail", "a greylist: recipients are refused at first, for now (451)", "tried again; each gets it once")
def test_a_greylist(server: SmtpSandbox) -> None:
    server.behaviour.refuse_recipients = dict.fromkeys([DEAN, ANNA], "451 4.7.1 Greylisted, try again later")
    assert isinstance(failure(block(server)), TransientError)

    server.behaviour.refuse_recipients = {}
    send_message(block(server), report())

    assert [received.recipients for received in server.received] == [(DEAN, ANNA)]


@fault("mail", "the certificate has expired", "nothing is sent, not even the password; one line, not tried again")
def test_an_expired_certificate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = PrivateAuthority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    with SmtpSandbox(certificate=authority.issue(expired=True)) as sandbox:
        error = failure(block(sandbox))
    assert isinstance(error, PermanentError)
    assert "certificate has expired" in str(error)


WHOLE_RUN = [
    pytest.param(
        SmtpBehaviour(drop_after_data=True),
        1,
        "may or may not have arrived",
        marks=fault(
            "mail",
            "a whole run loses the connection after DATA",
            "one mail and never a second, not even the short one about failed runs; the run fails with one line",
        ),
    ),
    pytest.param(
        SmtpBehaviour(max_message_bytes=2000),
        0,
        "(552 ",
        marks=fault(
            "mail", "a whole run's mail is too large", "sheet and report are written; the run fails with one line"
        ),
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("behaviour", "mails", "told"), WHOLE_RUN)
def test_a_whole_run(pipelines: Pipelines, behaviour: SmtpBehaviour, mails: int, told: str) -> None:
    pipeline = pipelines.make(RecordList([]))
    # The size is announced when a client connects, so this one holds for whoever connects from now on.
    pipeline.world.smtp.behaviour = behaviour

    state = pipeline.run("2023-04-01", "2023-04-01")

    assert state.is_failed()
    assert told in str(state.message)
    assert "\n" not in str(state.message)
    assert "Traceback" not in pipeline.log()
    assert len(pipeline.world.smtp.messages) == mails
    assert len(pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")) == 2
    assert (pipeline.home / "reports" / "2023-04-01.html").exists()
