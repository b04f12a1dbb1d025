"""The connection to the mail server: encrypted, its other end known, limited in time; no mail is handed over twice."""

import smtplib
import ssl
from collections.abc import Mapping
from contextlib import suppress
from email.message import EmailMessage
from enum import Enum
from typing import Final

from prefect_email import EmailServerCredentials
from prefect_email.credentials import SMTPType

from tasks.errors import CodegraderError, MaybeSentError, PermanentError, TransientError
from tasks.rendering import one_line

CONNECT_TIMEOUT_S: Final = 30
"""Longest silence until we are logged in."""
SEND_TIMEOUT_S: Final = 300
"""Longest silence from then on: the server may scan a mail for viruses before it says that it took it."""


def send_message(credentials: EmailServerCredentials, message: EmailMessage) -> None:
    """Hands a mail to the mail server. It is never handed over twice for want of an answer.

    Raises:
        TransientError: the server could not be reached or refused for the moment; nothing was sent.
        MaybeSentError: a retry might send the mail a second time, or some recipients were refused.
        PermanentError: no retry mends it.
    """
    server = _connect(credentials)
    hand_over, is_under_way = server.data, False

    def data(text: bytes | bytearray | str) -> tuple[int, bytes]:
        nonlocal is_under_way
        is_under_way = True
        return hand_over(text)

    server.data = data  # type: ignore[method-assign, assignment]
    try:
        refused = server.send_message(message)
    except (smtplib.SMTPException, OSError) as error:
        is_refused = isinstance(error, smtplib.SMTPDataError) and 400 <= error.smtp_code < 600
        if is_under_way and not is_refused:
            raise MaybeSentError(
                "mail: the connection was lost before the server confirmed it, so it may or may not have arrived, and "
                "it was not sent again: ask a reader whether it came"
            ) from error
        raise _translate(error, credentials) from error
    finally:
        _hang_up(server)
    if refused:
        raise MaybeSentError(f"mail: it was sent, but not to {_list_refused(refused)}: correct EMAIL_TO")


def log_in_only(credentials: EmailServerCredentials) -> None:
    """Logs in and says goodbye; raises as `send_message` would."""
    _hang_up(_connect(credentials))


def _connect(credentials: EmailServerCredentials) -> smtplib.SMTP:
    """A connection, encrypted, its other end checked, logged in. The Block's own `get_server` would wait for ever."""
    if credentials.smtp_type == SMTPType.INSECURE:
        raise PermanentError("mail: it is not sent without encryption: set SMTP_TYPE to STARTTLS or SSL")
    if not credentials.verify:
        raise PermanentError("mail: the server's certificate must be checked: set the Block's `verify` to true")
    name, port = address_of(credentials)
    context = ssl.create_default_context()
    try:
        if credentials.smtp_type == SMTPType.SSL:
            server: smtplib.SMTP = smtplib.SMTP_SSL(name, port, timeout=CONNECT_TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(name, port, timeout=CONNECT_TIMEOUT_S)
            server.starttls(context=context)
        if credentials.username is not None:
            server.login(credentials.username, credentials.password.get_secret_value())
        if server.sock is not None:
            server.sock.settimeout(SEND_TIMEOUT_S)
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        failure = _translate(error, credentials)
    else:
        return server
    # Raised out here, so that it drags neither the reply to the login nor the open connection and its password along.
    raise failure


def address_of(credentials: EmailServerCredentials) -> tuple[str, int]:
    """The server's host and port: where the Block names no port, the one that goes with its kind of encryption."""
    host, kind = credentials.smtp_server, credentials.smtp_type
    name = str(host.value if isinstance(host, Enum) else host)
    return name, credentials.smtp_port or int((kind if isinstance(kind, SMTPType) else SMTPType[kind.upper()]).value)


def _hang_up(server: smtplib.SMTP) -> None:
    """Says goodbye. Whatever comes of it, the mail was taken or refused before."""
    with suppress(smtplib.SMTPException, OSError):
        server.quit()


def _list_refused(refused: Mapping[str, tuple[int, bytes]]) -> str:
    """The refused recipients, each with the code and the text of the server's reply."""
    return ", ".join(f"{address} ({code} {_read(reply)})" for address, (code, reply) in refused.items())


def _translate(error: Exception, credentials: EmailServerCredentials) -> CodegraderError:
    """The error as one of ours. The reply to a login is not quoted: nobody knows what a server puts into it."""
    where = "mail server {}:{}".format(*address_of(credentials))
    kind: type[CodegraderError] = PermanentError
    match error:
        case smtplib.SMTPAuthenticationError(smtp_code=code):
            kind, advice = _kind(code), "check SMTP_USERNAME and SMTP_PASSWORD"
            told = f"{where} refused the login of user {credentials.username} ({code}): {advice}"
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            # If one of several may be taken later, another try may reach at least that one.
            kind = _kind(min(code for code, _ in refused.values()))
            told = f"{where} refused {_list_refused(refused)}, so nothing was sent: check EMAIL_TO"
        case smtplib.SMTPServerDisconnected():
            kind, told = TransientError, f"{where} broke off or fell silent: check SMTP_PORT and SMTP_TYPE"
        case smtplib.SMTPResponseException(smtp_code=code, smtp_error=reply):
            answer = f"{code} {_read(reply if isinstance(reply, bytes) else reply.encode())}"
            kind, told = _kind(code), f"{where} did not take the mail ({answer}): check EMAIL_FROM and SMTP_USERNAME"
        case smtplib.SMTPException():
            # STARTTLS, or any login that we know, is not offered: these errors quote no reply.
            told = f"{where} cannot be used ({one_line(str(error))}): check SMTP_PORT and SMTP_TYPE"
        case ssl.SSLCertVerificationError(verify_message=reason):
            advice = "check SMTP_SERVER, or name the file of a private authority in SSL_CERT_FILE"
            told = f"the certificate of {where} cannot be trusted ({reason}): {advice}"
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            kind, told = TransientError, f"{where} broke the connection off"
        case ssl.SSLError():
            told = f"{where} does not speak TLS as expected: check SMTP_PORT and SMTP_TYPE"
        case UnicodeError():
            told = f"SMTP_USERNAME or SMTP_PASSWORD has a letter that no login to {where} can carry"
        case _:
            reason = one_line(str(error), 100)
            kind, told = TransientError, f"{where} cannot be reached ({reason}): check SMTP_SERVER and SMTP_PORT"
    return kind(told)


def _kind(code: int) -> type[CodegraderError]:
    """By SMTP's rule a request that got a 4xx may be repeated, and one that got a 5xx may not."""
    return TransientError if 400 <= code < 500 else PermanentError


def _read(reply: bytes) -> str:
    return one_line(reply.decode("utf-8", "replace"), 200)
