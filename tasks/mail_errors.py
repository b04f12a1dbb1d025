"""What went wrong with the mail server, in one line that holds no secret, and whether a retry can mend it."""

import smtplib
import ssl
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING

from tasks.errors import CodegraderError, PermanentError, TransientError
from tasks.rendering import one_line

if TYPE_CHECKING:
    from prefect_email import EmailServerCredentials

Refused = Mapping[str, tuple[int, bytes]]
"""Recipients that a server refused, each with the code and the text of its reply."""


def address_of(credentials: "EmailServerCredentials") -> tuple[str, int]:
    """The server's host and port: where the Block names no port, the one that goes with its kind of encryption."""
    from prefect_email.credentials import SMTPType

    host, kind = credentials.smtp_server, credentials.smtp_type
    name = str(host.value if isinstance(host, Enum) else host)
    return name, credentials.smtp_port or int((kind if isinstance(kind, SMTPType) else SMTPType[kind.upper()]).value)


def explain(error: Exception, credentials: "EmailServerCredentials") -> CodegraderError:
    """The error as one of ours. The reply to a login is not quoted: nobody knows what a server puts into it."""
    where = _name_server(credentials)
    match error:
        case smtplib.SMTPAuthenticationError():
            return _explain_login(error, where, credentials.username)
        case smtplib.SMTPRecipientsRefused():
            return _explain_recipients(error.recipients, where)
        case smtplib.SMTPException():
            return _explain_reply(error, where)
        case ssl.SSLError():
            return _explain_tls(error, where)
        case UnicodeError():
            return PermanentError(f"SMTP_USERNAME or SMTP_PASSWORD has a letter that no login to {where} can carry")
    reason = one_line(str(error), 100)
    return TransientError(f"{where} cannot be reached ({reason}): check SMTP_SERVER and SMTP_PORT")


def list_refused(refused: Refused) -> str:
    """The refused recipients, each with the server's reason."""
    return ", ".join(f"{address} ({code} {_read(reply)})" for address, (code, reply) in refused.items())


def _explain_login(error: smtplib.SMTPAuthenticationError, where: str, user: str | None) -> CodegraderError:
    code = error.smtp_code
    if _is_passing(code):
        return TransientError(f"{where} takes no logins for now ({code})")
    return PermanentError(f"{where} refused the login of user {user} ({code}): check SMTP_USERNAME and SMTP_PASSWORD")


def _explain_recipients(refused: Refused, where: str) -> CodegraderError:
    """Nothing was sent. If one of several may be taken later, another try may reach at least that one."""
    kind = TransientError if any(_is_passing(code) for code, _ in refused.values()) else PermanentError
    return kind(f"{where} refused {list_refused(refused)}, so nothing was sent: check EMAIL_TO")


def _explain_reply(error: smtplib.SMTPException, where: str) -> CodegraderError:
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return TransientError(f"{where} broke off or fell silent: check SMTP_PORT and SMTP_TYPE")
    if not isinstance(error, smtplib.SMTPResponseException):
        # STARTTLS, or any login that we know, is not offered: these errors quote no reply.
        return PermanentError(f"{where} cannot be used ({one_line(str(error))}): check SMTP_PORT and SMTP_TYPE")
    code, reply = error.smtp_code, error.smtp_error
    answer = f"{code} {_read(reply if isinstance(reply, bytes) else reply.encode())}"
    kind = TransientError if _is_passing(code) else PermanentError
    if isinstance(error, smtplib.SMTPSenderRefused):
        return kind(f"{where} took no mail from {error.sender} ({answer}): check EMAIL_FROM and SMTP_USERNAME")
    return kind(f"{where} did not take the mail ({answer})")


def _explain_tls(error: ssl.SSLError, where: str) -> CodegraderError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return PermanentError(
            f"the certificate of {where} cannot be trusted ({error.verify_message}): check SMTP_SERVER, or name "
            "the file of a private authority in SSL_CERT_FILE"
        )
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return TransientError(f"{where} broke the connection off")
    return PermanentError(f"{where} does not speak TLS as expected: check SMTP_PORT and SMTP_TYPE")


def _is_passing(code: int) -> bool:
    """By SMTP's rule a request that got a 4xx may be repeated, and one that got a 5xx may not."""
    return 400 <= code < 500


def _read(reply: bytes) -> str:
    return one_line(reply.decode("utf-8", "replace"), 200)


def _name_server(credentials: "EmailServerCredentials") -> str:
    host, port = address_of(credentials)
    return f"mail server {host}:{port}"
