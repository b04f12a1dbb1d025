"""The mail on its way: a real SMTP server with TLS and a login, nobody there, or somebody else."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import pytest
from prefect_email import EmailServerCredentials

from tasks import mail_server
from tasks.chart import draw_chart
from tasks.errors import CodegraderError, PermanentError, TransientError
from tasks.mail import build_message, send_mail
from tasks.mail_server import send_message
from tasks.retries import is_transient
from tests.faults import fault, faults
from tests.fixtures.summaries import make_summary
from tests.sandbox.certificates import PrivateAuthority
from tests.sandbox.smtp import SmtpBehaviour, SmtpSandbox

Mode = Literal["starttls", "ssl"]
MODES: tuple[Mode, ...] = ("starttls", "ssl")
DEAN, ANNA = "dean@university.example", "anna@university.example"
WRONG_PASSWORD: Final = "wrong-Secret-123"
UNCERTAIN: Final = "may or may not have arrived"


def block(sandbox: SmtpSandbox, **changes: Any) -> EmailServerCredentials:
    given = {
        "username": sandbox.username,
        "password": sandbox.password,
        "smtp_server": sandbox.host,
        "smtp_type": sandbox.mode.upper(),
        "smtp_port": sandbox.port,
    }
    return EmailServerCredentials(**{**given, **changes})


@cache
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
    """What sending comes to: one line without the password."""
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
    sent, came = (list(each.walk()) for each in (message, received.message))
    assert [part.get_content_type() for part in came] == [part.get_content_type() for part in sent]
    for part, arrived in zip(sent, came, strict=True):
        if part.get_content_maintype() == "text":
            assert arrived.get_content().splitlines() == part.get_content().splitlines()


FOR_GOOD, FOR_NOW = "550 5.1.1 No such mailbox", "451 4.7.1 Greylisted, try again later"
OUTCOMES: Final = [
    *faults(
        "mail",
        "never sent twice: tried again, up to four times, only where nothing was sent; else one line, which says so "
        "where it may or may not have arrived",
        {
            "no logins for now (454)": (SmtpBehaviour(refuse_login="454 4.7.0 Try later"), TransientError, "454", 0),
            "the connection is lost at the login": (SmtpBehaviour(drop_at="login"), TransientError, "", 0),
            "the connection is lost at the sender": (SmtpBehaviour(drop_at="sender"), TransientError, "", 0),
            "the connection is lost at the recipient": (SmtpBehaviour(drop_at="recipient"), TransientError, "", 0),
            "the connection is lost while the text is under way": (
                *(SmtpBehaviour(drop_at="text"), PermanentError, UNCERTAIN, 0),
            ),
            "the connection is lost after DATA": (
                *(SmtpBehaviour(drop_after_data=True), PermanentError, UNCERTAIN, 1),
            ),
            "the server falls silent after DATA": (
                *(SmtpBehaviour(silent_after_text=True), PermanentError, UNCERTAIN, 1),
            ),
            "the text is refused for now": (SmtpBehaviour(refuse_text="451 4.3.0 Busy"), TransientError, "451", 0),
            "the server shuts down (421)": (SmtpBehaviour(refuse_text="421 4.3.2 Bye"), TransientError, "421", 0),
            "the mailbox is full": (SmtpBehaviour(refuse_text="552 5.2.2 Full"), PermanentError, "552 5.2.2 Full", 0),
            "the text is taken for spam": (SmtpBehaviour(refuse_text="554 5.7.1 Spam"), PermanentError, "554", 0),
            "the mail is too large (552)": (SmtpBehaviour(max_message_bytes=2000), PermanentError, "552", 0),
        },
    ),
    *faults(
        "mail",
        "one line that names them; tried again only after a 4xx, and where nobody else got it",
        {
            "a greylist: recipients are refused at first, for now (451)": (
                *(SmtpBehaviour(refuse_recipients=dict.fromkeys([DEAN, ANNA], FOR_NOW)), TransientError, DEAN, 0),
            ),
            "all recipients are refused": (
                *(SmtpBehaviour(refuse_recipients=dict.fromkeys([DEAN, ANNA], FOR_GOOD)), PermanentError, DEAN, 0),
            ),
            "one of two recipients is refused": (
                *(SmtpBehaviour(refuse_recipients={ANNA: FOR_GOOD}), PermanentError, f"not to {ANNA} (550 5.1.1", 1),
            ),
        },
    ),
    # Answers that are none, or none to a text.
    *(
        (SmtpBehaviour(refuse_text=answer), PermanentError, UNCERTAIN, 0)
        for answer in ("251 Will forward", "garbage", f"250 {'x' * 9000}")
    ),
]


@pytest.mark.parametrize(("behaviour", "kind", "told", "mails"), OUTCOMES)
def test_what_the_server_does_with_the_mail_decides(
    monkeypatch: pytest.MonkeyPatch, behaviour: SmtpBehaviour, kind: type[CodegraderError], told: str, mails: int
) -> None:
    if behaviour.silent_after_text:
        monkeypatch.setattr(mail_server, "SEND_TIMEOUT_S", 0.5)
    with server(monkeypatch, behaviour=behaviour) as sandbox:
        started = time.monotonic()
        error = failure(block(sandbox))
        assert time.monotonic() - started < mail_server.CONNECT_TIMEOUT_S, "the text has a limit of its own"
        assert isinstance(error, kind)
        assert told in str(error)
        assert (UNCERTAIN in str(error)) == (told == UNCERTAIN)
        assert len(sandbox.messages) == mails
        if kind is TransientError:
            sandbox.behaviour = SmtpBehaviour()
            send_message(block(sandbox), report())
            assert [received.recipients for received in sandbox.received] == [(DEAN, ANNA)]


@fault("mail", "the connection is lost after the server took the mail", "it counts as sent; never sent twice")
def test_a_mail_that_was_taken_counts_as_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with server(monkeypatch, behaviour=SmtpBehaviour(drop_after_reply=True)) as sandbox:
        send_message(block(sandbox), report())
        assert len(sandbox.messages) == 1


ONE_LINE_FOR_GOOD: Final = "nothing is sent; one line that says what to do; not tried again"


@fault("mail", "the login is refused (535)", "one line without the password; not tried again")
@fault("secrets", "the mail server refuses a password", "it is not in the log, not even at level DEBUG")
@pytest.mark.parametrize("password", [WRONG_PASSWORD, "pässword", "пароль"])
def test_a_wrong_password_is_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, password: str
) -> None:
    with caplog.at_level(logging.DEBUG), server(monkeypatch) as sandbox:
        send_message(block(sandbox), report())
        error = failure(block(sandbox, password=password))
        assert sandbox.password not in caplog.text
        assert len(sandbox.messages) == 1
    assert password not in caplog.text
    assert isinstance(error, PermanentError)
    assert "SMTP_PASSWORD" in str(error)
    assert f"{sandbox.host}:{sandbox.port}" in str(error)
    assert ("535" in str(error)) == (password == WRONG_PASSWORD), "the others no login can carry"
    assert (error.__cause__, error.__context__) == (None, None)


@fault("mail", "the certificate is another server's, or of an unknown authority", ONE_LINE_FOR_GOOD)
@fault("mail", "the certificate has expired", ONE_LINE_FOR_GOOD)
@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_is_not_who_it_says_gets_no_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: Mode
) -> None:
    authority = PrivateAuthority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    # By itself the stand-in has an authority of its own.
    for certificate in (None, authority.issue("mail.example"), authority.issue(expired=True)):
        with SmtpSandbox(mode, certificate=certificate) as sandbox:
            error = failure(block(sandbox))
        assert isinstance(error, PermanentError)
        assert [fact for fact in ("certificate", "127.0.0.1:", "SSL_CERT_FILE") if fact not in str(error)] == []


@fault("mail", "the connection would not be encrypted or checked", ONE_LINE_FOR_GOOD)
@pytest.mark.parametrize("changes", [{"smtp_type": "INSECURE"}, {"verify": False}, {"verify": None}])
def test_nothing_is_sent_unencrypted_or_to_an_unchecked_server(changes: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        credentials = EmailServerCredentials(
            **{"smtp_server": "127.0.0.1", "smtp_port": listener.getsockname()[1], "smtp_type": "STARTTLS", **changes}
        )
        assert isinstance(failure(credentials), PermanentError)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_the_task_retries_what_may_pass_and_nothing_else() -> None:
    assert send_mail.retries == 3
    assert send_mail.retry_condition_fn is is_transient


# --- nobody there, nobody answering, or somebody else


@contextmanager
def crude_server(greeting: bytes) -> Iterator[int]:
    """A server that greets its first client so, and then says no more."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def serve() -> None:
            connection, _ = listener.accept()
            stack.enter_context(connection).sendall(greeting)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def at(port: int, kind: str = "STARTTLS") -> EmailServerCredentials:
    return EmailServerCredentials(smtp_server="127.0.0.1", smtp_port=port, smtp_type=kind)


@fault("mail", "nobody listens at the server's address", "tried again, up to four times; then one line")
def test_nobody_at_home_may_pass() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = failure(at(port))
    assert isinstance(error, TransientError)
    assert f"127.0.0.1:{port}" in str(error)


NOT_THE_RIGHT_ONE: Final = fault(
    "mail",
    "the server speaks no TLS, or sends everybody away",
    "one line that says what to do; not tried again, but after a 4xx",
)


@pytest.mark.parametrize(
    ("kind", "greeting", "expected", "told"),
    [
        pytest.param(
            *("STARTTLS", b"", TransientError, "127.0.0.1"),
            marks=fault("mail", "the server never greets", "given up after 30 s of silence, tried again"),
        ),
        pytest.param("SSL", b"220 no TLS here\r\n", PermanentError, "SMTP_TYPE", marks=NOT_THE_RIGHT_ONE),
        ("STARTTLS", b"220 hello\r\n250 no extensions\r\n", PermanentError, "SMTP_TYPE"),
        ("STARTTLS", b"421 busy\r\n", TransientError, "421 busy"),
        ("STARTTLS", b"554 go away\r\n", PermanentError, "554 go away"),
    ],
)
def test_a_server_that_is_not_the_right_one(
    monkeypatch: pytest.MonkeyPatch, kind: str, greeting: bytes, expected: type[CodegraderError], told: str
) -> None:
    if not greeting:
        monkeypatch.setattr(mail_server, "CONNECT_TIMEOUT_S", 0.2)
    with crude_server(greeting) as port:
        error = failure(at(port, kind))
    assert isinstance(error, expected)
    assert told in str(error)
