"""The mail on its way: a real SMTP server with TLS, a login, and everything that can go wrong."""

import logging
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

import pytest
from prefect_email import EmailServerCredentials

from tasks import mail_server
from tasks.chart import draw_chart
from tasks.errors import CodegraderError, PermanentError, TransientError
from tasks.mail import build_message, send_mail, send_message
from tasks.retries import is_transient
from tests.faults import fault
from tests.fixtures.summaries import make_summary
from tests.sandbox.certificates import PrivateAuthority
from tests.sandbox.smtp import SmtpBehaviour, SmtpSandbox

Mode = Literal["starttls", "ssl"]
MODES: tuple[Mode, ...] = ("starttls", "ssl")
DEAN, ANNA = "dean@university.example", "anna@university.example"


def block(sandbox: SmtpSandbox, **changes: Any) -> EmailServerCredentials:
    given = {
        "username": sandbox.username,
        "password": sandbox.password,
        "smtp_server": sandbox.host,
        "smtp_type": sandbox.mode.upper(),
        "smtp_port": sandbox.port,
    }
    return EmailServerCredentials(**{**given, **changes})


def report() -> EmailMessage:
    summary = make_summary()
    chart = draw_chart(summary.sections[0], "ru")
    return build_message(summary, "reports@university.example", [DEAN, ANNA], chart, datetime.now(UTC))


@contextmanager
def server(
    monkeypatch: pytest.MonkeyPatch, mode: Mode = "starttls", behaviour: SmtpBehaviour | None = None
) -> Iterator[SmtpSandbox]:
    """A mail server that this process trusts."""
    with SmtpSandbox(mode, behaviour=behaviour) as sandbox:
        monkeypatch.setenv("SSL_CERT_FILE", str(sandbox.ca_file))
        yield sandbox


def failure(credentials: EmailServerCredentials) -> CodegraderError:
    with pytest.raises(CodegraderError) as caught:
        send_message(credentials, report())
    assert "\n" not in str(caught.value)
    secret = credentials.password.get_secret_value()
    assert not secret or secret not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("mode", MODES)
def test_a_mail_arrives_whole(monkeypatch: pytest.MonkeyPatch, mode: Mode) -> None:
    message = report()
    with server(monkeypatch, mode) as sandbox:
        send_message(block(sandbox), message)
        (received,) = sandbox.received
    assert (received.sender, received.recipients) == ("reports@university.example", (DEAN, ANNA))
    for name in ("Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted"):
        assert str(received.message[name]) == str(message[name])
    for kind in ("plain", "html"):
        sent, came = (part.get_body((kind,)) for part in (message, received.message))
        assert sent is not None
        assert came is not None
        assert came.get_content().splitlines() == sent.get_content().splitlines()
    assert [part.get_content_type() for part in received.message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]


@fault("mail", "the login is refused (535)", "one line without the password; not tried again")
def test_a_wrong_password_is_one_line_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(monkeypatch) as sandbox:
        error = failure(block(sandbox, password="wrong-Secret-123"))
        assert sandbox.messages == []
    assert isinstance(error, PermanentError)
    assert str(error) == (
        f"mail server {sandbox.host}:{sandbox.port} refused the login of user {sandbox.username} (535): "
        "check SMTP_USERNAME and SMTP_PASSWORD"
    )
    assert (error.__cause__, error.__context__) == (None, None)


@fault("mail", "no logins for now (454)", "tried again, up to four times")
def test_a_server_that_takes_no_logins_for_now_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(monkeypatch, behaviour=SmtpBehaviour(refuse_login="454 4.7.0 Try again later")) as sandbox:
        assert isinstance(failure(block(sandbox)), TransientError)


@pytest.mark.parametrize("secret", ["pässword", "пароль"])
def test_a_password_that_no_login_can_carry_is_not_shown(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    with server(monkeypatch) as sandbox:
        error = failure(block(sandbox, password=secret))
    assert isinstance(error, PermanentError)
    assert "SMTP_PASSWORD" in str(error)


@fault(
    "mail",
    "the certificate is another server's, or of an unknown authority",
    "nothing is sent; one line that says what to do; not tried again",
)
@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_is_not_who_it_says_gets_no_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: Mode
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with SmtpSandbox(mode) as sandbox:
        unknown = failure(block(sandbox))
    authority = PrivateAuthority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    with SmtpSandbox(mode, certificate=authority.issue(["mail.example"])) as sandbox:
        other = failure(block(sandbox))
    for error in (unknown, other):
        assert isinstance(error, PermanentError)
        assert str(error).startswith("the certificate of mail server 127.0.0.1:")
        assert "SSL_CERT_FILE" in str(error)


@fault(
    "mail",
    "the connection would not be encrypted or checked",
    "nothing is sent; one line that says what to do; not tried again",
)
@pytest.mark.parametrize("changes", [{"smtp_type": "INSECURE"}, {"verify": False}, {"verify": None}])
def test_nothing_is_sent_unencrypted_or_to_an_unchecked_server(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    with server(monkeypatch) as sandbox:
        monkeypatch.setattr(EmailServerCredentials, "get_server", lambda _: pytest.fail("it was connected to"))
        assert isinstance(failure(block(sandbox, **changes)), PermanentError)


@fault(
    "mail",
    "one of two recipients is refused",
    "the other gets it; the run fails with one line that names the refused one",
)
def test_refused_recipients_are_named_though_the_others_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    behaviour = SmtpBehaviour(refuse_recipients={ANNA: "550 5.1.1 No such mailbox"})
    with server(monkeypatch, behaviour=behaviour) as sandbox:
        error = failure(block(sandbox))
        assert [received.recipients for received in sandbox.received] == [(DEAN,)]
    assert isinstance(error, PermanentError)
    assert f"not to {ANNA} (550 5.1.1 No such mailbox)" in str(error)
    assert DEAN not in str(error)


@fault("mail", "all recipients are refused", "one line that names them; tried again only after a 4xx")
@pytest.mark.parametrize(
    ("reply", "kind"), [("550 5.1.1 No such mailbox", PermanentError), ("451 4.7.1 Try again later", TransientError)]
)
def test_if_all_are_refused_nothing_was_sent(
    monkeypatch: pytest.MonkeyPatch, reply: str, kind: type[CodegraderError]
) -> None:
    with server(monkeypatch, behaviour=SmtpBehaviour(refuse_recipients={DEAN: reply, ANNA: reply})) as sandbox:
        error = failure(block(sandbox))
        assert sandbox.messages == []
    assert isinstance(error, kind)
    assert DEAN in str(error)
    assert ANNA in str(error)


@fault("mail", "the mail is too large (552)", "one line that says what to do; not tried again")
def test_a_mail_that_is_too_large_is_refused_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(monkeypatch, behaviour=SmtpBehaviour(max_message_bytes=2000)) as sandbox:
        error = failure(block(sandbox))
    assert isinstance(error, PermanentError)
    assert "552" in str(error)


@fault(
    "mail",
    "the connection is lost after DATA",
    "never sent twice; one line says that it may or may not have arrived",
)
@pytest.mark.parametrize("mode", MODES)
def test_a_connection_lost_after_the_text_is_never_tried_again(monkeypatch: pytest.MonkeyPatch, mode: Mode) -> None:
    with server(monkeypatch, mode, SmtpBehaviour(drop_after_data=True)) as sandbox:
        error = failure(block(sandbox))
        assert len(sandbox.messages) == 1
    assert isinstance(error, PermanentError)
    assert "may or may not have arrived" in str(error)


@fault("mail", "the connection is lost after the server took the mail", "it counts as sent; never sent twice")
@pytest.mark.parametrize("mode", MODES)
def test_a_connection_lost_after_the_answer_is_a_success(monkeypatch: pytest.MonkeyPatch, mode: Mode) -> None:
    with server(monkeypatch, mode, SmtpBehaviour(drop_after_reply=True)) as sandbox:
        send_message(block(sandbox), report())
        assert len(sandbox.messages) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        ((451, b"4.3.0 Mailbox busy"), TransientError, "451 4.3.0 Mailbox busy"),
        ((421, b"Shutting down"), TransientError, "421 Shutting down"),
        ((554, b"5.7.1 Spam"), PermanentError, "554 5.7.1 Spam"),
        ((-1, b"garbage"), PermanentError, "may or may not"),
        ((251, b"Will forward"), PermanentError, "may or may not"),
    ],
)
def test_the_answer_to_the_text_decides(
    monkeypatch: pytest.MonkeyPatch, answer: tuple[int, bytes], kind: type[CodegraderError], told: str
) -> None:
    with server(monkeypatch) as sandbox:
        monkeypatch.setattr(smtplib.SMTP, "data", lambda _self, _msg: answer)
        error = failure(block(sandbox))
    assert isinstance(error, kind)
    assert told in str(error)


@pytest.mark.parametrize(
    "fault",
    [
        smtplib.SMTPServerDisconnected("Connection unexpectedly closed: timed out"),
        smtplib.SMTPResponseException(500, "Line too long."),
        TimeoutError("timed out"),
        ssl.SSLEOFError(),
    ],
)
def test_any_fault_while_the_text_is_under_way_leaves_it_uncertain(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def data(_self: smtplib.SMTP, _msg: bytes) -> None:
        raise fault

    with server(monkeypatch) as sandbox:
        monkeypatch.setattr(smtplib.SMTP, "data", data)
        error = failure(block(sandbox))
    assert isinstance(error, PermanentError)
    assert "may or may not have arrived" in str(error)


def test_a_connection_lost_before_the_text_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def rcpt(self: smtplib.SMTP, *_: Any) -> None:
        self.close()
        raise smtplib.SMTPServerDisconnected

    with server(monkeypatch) as sandbox:
        monkeypatch.setattr(smtplib.SMTP, "rcpt", rcpt)
        assert isinstance(failure(block(sandbox)), TransientError)
        assert sandbox.messages == []


def test_a_server_that_reads_the_mail_is_given_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float | None] = []

    def data(self: smtplib.SMTP, _msg: bytes) -> tuple[int, bytes]:
        seen.append(self.sock.gettimeout() if self.sock else None)
        return 250, b"OK"

    with server(monkeypatch) as sandbox:
        monkeypatch.setattr(smtplib.SMTP, "data", data)
        send_message(block(sandbox), report())
    assert seen == [mail_server.SEND_TIMEOUT_S]


@fault("secrets", "the mail server refuses a password", "it is not in the log, not even at level DEBUG")
def test_nothing_secret_is_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), server(monkeypatch) as sandbox:
        send_message(block(sandbox), report())
        failure(block(sandbox, password="wrong-Secret-123"))
        assert sandbox.password not in caplog.text
    assert "wrong-Secret-123" not in caplog.text


def test_the_task_retries_what_may_pass_and_nothing_else() -> None:
    assert send_mail.retries == 3
    assert send_mail.retry_condition_fn is is_transient
