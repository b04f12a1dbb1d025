"""The way to the mail server: nobody there, nobody answering, or somebody else."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage

import pytest
from prefect_email import EmailServerCredentials

from tasks import mail_server
from tasks.errors import CodegraderError, PermanentError, TransientError
from tasks.mail import send_message
from tests.faults import fault


def failure(port: int, kind: str = "STARTTLS") -> CodegraderError:
    credentials = EmailServerCredentials(smtp_server="127.0.0.1", smtp_port=port, smtp_type=kind)
    with pytest.raises(CodegraderError) as caught:
        send_message(credentials, EmailMessage())
    return caught.value


@contextmanager
def crude_server(talk: Callable[[socket.socket], object]) -> Iterator[int]:
    """A server that greets its first client with whatever `talk` says, and then says no more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                talk(connection)
                connection.settimeout(10)
                while connection.recv(1024):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@fault("mail", "nobody listens at the server's address", "tried again, up to four times; then one line")
def test_nobody_at_home_may_pass() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = failure(port)
    assert isinstance(error, TransientError)
    assert f"mail server 127.0.0.1:{port} cannot be reached" in str(error)


@fault("mail", "the server never greets", "given up after 30 s of silence, tried again")
def test_a_silent_server_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_server, "CONNECT_TIMEOUT_S", 0.2)
    with crude_server(lambda _: None) as port:
        error = failure(port)
    assert isinstance(error, TransientError)
    assert "fell silent" in str(error)


@fault(
    "mail",
    "the server speaks no TLS, or sends everybody away",
    "one line that says what to do; not tried again, but after a 4xx",
)
@pytest.mark.parametrize(
    ("kind", "greeting", "expected", "told"),
    [
        ("SSL", b"220 no TLS here\r\n", PermanentError, "does not speak TLS as expected"),
        ("STARTTLS", b"220 hello\r\n250 no extensions\r\n", PermanentError, "STARTTLS extension not supported"),
        ("STARTTLS", b"421 busy\r\n", TransientError, "421 busy"),
        ("STARTTLS", b"554 go away\r\n", PermanentError, "554 go away"),
    ],
)
def test_a_server_that_is_not_the_right_one(
    kind: str, greeting: bytes, expected: type[CodegraderError], told: str
) -> None:
    with crude_server(lambda connection: connection.sendall(greeting)) as port:
        error = failure(port, kind)
    assert isinstance(error, expected)
    assert told in str(error)
