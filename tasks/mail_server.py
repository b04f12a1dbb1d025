"""The connection to the mail server: encrypted, its other end known, limited in time; no mail is handed over twice."""

import smtplib
import ssl
from typing import TYPE_CHECKING, Any, Final

from tasks.errors import CodegraderError, PermanentError
from tasks.mail_errors import Refused, address_of, explain

if TYPE_CHECKING:
    from email.message import EmailMessage

    from prefect_email import EmailServerCredentials

CONNECT_TIMEOUT_S: Final = 30
"""Longest silence until we are logged in."""
SEND_TIMEOUT_S: Final = 300
"""Longest silence while a mail is handed over: the server may scan it for viruses before it says that it took it."""


class _HandsOverOnce:
    """Tells a connection lost before a mail's text from one lost after it, when nobody knows whether it was taken."""

    def data(self, msg: Any) -> tuple[int, bytes]:
        try:
            code, reply = super().data(msg)  # type: ignore[misc]
        except smtplib.SMTPDataError:
            raise
        except (smtplib.SMTPException, OSError) as error:
            raise _uncertain() from error
        if not (code == 250 or 400 <= code < 600):
            raise _uncertain()
        return code, reply


class _Plain(_HandsOverOnce, smtplib.SMTP):
    pass


class _Encrypted(_HandsOverOnce, smtplib.SMTP_SSL):
    pass


def connect(credentials: "EmailServerCredentials") -> smtplib.SMTP:
    """A connection, encrypted, its other end checked, logged in.

    Not the Block's own `get_server`, which waits for ever.

    Raises:
        TransientError, PermanentError: the server cannot be reached, or does not let us in.
    """
    from prefect_email.credentials import SMTPType

    if credentials.smtp_type == SMTPType.INSECURE:
        raise PermanentError("mail: it is not sent without encryption: set SMTP_TYPE to STARTTLS or SSL")
    if not credentials.verify:
        raise PermanentError("mail: the server's certificate must be checked: set the Block's `verify` to true")
    try:
        server = _log_in(credentials, is_encrypted=credentials.smtp_type == SMTPType.SSL)
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        failure = explain(error, credentials)
    else:
        _limit_silence(server, SEND_TIMEOUT_S)
        return server
    # Raised out here, so that it drags neither the reply to the login nor the open connection and its password along.
    raise failure


def _log_in(credentials: "EmailServerCredentials", *, is_encrypted: bool) -> smtplib.SMTP:
    name, port = address_of(credentials)
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if is_encrypted:
        server = _Encrypted(name, port, timeout=CONNECT_TIMEOUT_S, context=context)
    else:
        server = _Plain(name, port, timeout=CONNECT_TIMEOUT_S)
        server.starttls(context=context)
    if credentials.username is not None:
        server.login(credentials.username, credentials.password.get_secret_value())
    return server


def hand_over(server: smtplib.SMTP, message: "EmailMessage", credentials: "EmailServerCredentials") -> Refused:
    """Sends a mail and says goodbye. It is never handed over twice for want of an answer.

    Returns:
        The recipients that the server refused, while it took the mail for others.

    Raises:
        TransientError: the server refused for the moment; nothing was sent.
        PermanentError: no retry mends it, or one might send the mail a second time.
    """
    try:
        return server.send_message(message)
    except CodegraderError:
        raise
    except (smtplib.SMTPException, OSError) as error:
        raise explain(error, credentials) from error
    finally:
        hang_up(server)


def hang_up(server: smtplib.SMTP) -> None:
    """Says goodbye. Whatever comes of it, the mail was taken or refused before."""
    try:
        _limit_silence(server, CONNECT_TIMEOUT_S)
        server.quit()
    except (smtplib.SMTPException, OSError):
        server.close()


def _limit_silence(server: smtplib.SMTP, seconds: float) -> None:
    if server.sock is not None:
        server.sock.settimeout(seconds)


def _uncertain() -> PermanentError:
    return PermanentError(
        "mail: the connection was lost before the server confirmed it, so it may or may not have arrived, and it was "
        "not sent again: ask a reader whether it came"
    )
