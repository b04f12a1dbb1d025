"""A mail server that keeps what it gets: TLS with a private authority, a login, and refusals on demand."""

import asyncio
import logging
import re
import secrets
import ssl
from contextlib import ExitStack
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, Thread
from typing import Any, Literal, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from trustme import LeafCert

from tests.sandbox.certificates import PrivateAuthority

HOST = "127.0.0.1"
# Seconds within which the server's own thread has to start or stop listening.
PATIENCE = 10.0

Moment = Literal["login", "sender", "recipient", "text"]


@dataclass
class SmtpBehaviour:
    """How the server treats its clients; it may be changed while the server runs.

    A reply is a line of SMTP such as `550 5.1.1 No such mailbox` (for good) or `451 4.7.1 Try again later`.

    Attributes:
        refuse_login: the reply to every login, however right; None to let the right one in.
        refuse_recipients: the reply to each recipient address that is refused.
        max_message_bytes: the greatest message, as announced with SIZE; larger ones are refused with 552.
        drop_after_data: take and keep a message, then break the connection off without saying so.
        drop_after_reply: say that a message was taken, then break the connection off.
        drop_at: break the connection off at this moment instead of answering; of the text nothing is kept.
        refuse_text: the reply to every message once its text has come; nothing is kept.
        silent_after_text: take and keep a message, and never say so.
    """

    refuse_login: str | None = None
    refuse_recipients: dict[str, str] = field(default_factory=dict)
    max_message_bytes: int = 25_000_000
    drop_after_data: bool = False
    drop_after_reply: bool = False
    drop_at: Moment | None = None
    refuse_text: str | None = None
    silent_after_text: bool = False


@dataclass(frozen=True)
class ReceivedMail:
    """One message that the server took.

    Attributes:
        sender: the address given with MAIL FROM.
        recipients: the addresses given with RCPT TO and not refused.
    """

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage


class SmtpSandbox:
    """A mail server for one account, for as long as the `with` block runs.

    Args:
        mode: `starttls` for a connection that becomes TLS, `ssl` for one that is TLS from the start. Without TLS
            there is no login, and without a login no mail.
        folder: where each message is also written, as `001-its-subject.eml`, readable by its owner alone; made if
            it is missing.
        certificate: the server's certificate; by default one for this machine, of an authority of its own.
        behaviour: what it refuses; nothing by default.

    Attributes:
        host: the address it listens on.
        port: the port, known once the server runs.
        username: the account's name, a random one; likewise `password`.
        ca_file: what a client has to trust, as in `SSL_CERT_FILE`, where no certificate was given; known likewise.
    """

    def __init__(
        self,
        mode: Literal["starttls", "ssl"] = "starttls",
        folder: Path | None = None,
        *,
        certificate: LeafCert | None = None,
        behaviour: SmtpBehaviour | None = None,
    ) -> None:
        self.mode = mode
        self.host = HOST
        self.username = f"reports-{secrets.token_hex(4)}@sandbox.example"
        self.password = secrets.token_urlsafe(18)
        self.behaviour = behaviour or SmtpBehaviour()
        self._folder = folder
        self._certificate = certificate
        self._received: list[ReceivedMail] = []
        self._lock = Lock()
        self._sessions: list[SMTP] = []

    @property
    def received(self) -> list[ReceivedMail]:
        """The messages taken so far with their envelopes: a copy, oldest first."""
        with self._lock:
            return list(self._received)

    @property
    def messages(self) -> list[EmailMessage]:
        """The messages taken so far, oldest first."""
        return [mail.message for mail in self.received]

    def forget(self) -> None:
        """Let go of the messages taken so far, and of the connections that have ended."""
        with self._lock:
            self._received.clear()
        self._sessions = [session for session in self._sessions if session.transport is not None]

    def __enter__(self) -> Self:
        # The library warns about its own use of a deprecated attribute at every login.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        with ExitStack() as undo:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            certificate = self._certificate
            if certificate is None:
                authority = PrivateAuthority(Path(undo.enter_context(TemporaryDirectory(prefix="smtp-sandbox-"))))
                self.ca_file, certificate = authority.ca_file, authority.issue()
            certificate.configure_cert(tls)
            loop = asyncio.new_event_loop()
            loop.set_exception_handler(_report_faults)
            undo.callback(loop.close)
            of_connection = tls if self.mode == "ssl" else None
            listening = loop.create_server(lambda: self._session(loop, tls), HOST, 0, ssl=of_connection)
            server = loop.run_until_complete(listening)
            self.port: int = server.sockets[0].getsockname()[1]
            thread = Thread(target=loop.run_forever, name="smtp-sandbox")
            thread.start()
            undo.callback(thread.join)
            undo.callback(loop.call_soon_threadsafe, loop.stop)
            undo.callback(lambda: asyncio.run_coroutine_threadsafe(self._hang_up(server), loop).result(PATIENCE))
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    async def _hang_up(self, server: asyncio.Server) -> None:
        """Stop listening and break off every connection that is still there."""
        server.close()
        for session in self._sessions:
            _break_off(session)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _session(self, loop: asyncio.AbstractEventLoop, tls: ssl.SSLContext) -> SMTP:
        """Make the server's side of one connection."""
        starttls = self.mode == "starttls"
        session = SMTP(
            self,
            data_size_limit=self.behaviour.max_message_bytes,
            hostname="smtp.sandbox.example",
            tls_context=tls if starttls else None,
            require_starttls=starttls,
            # The library only knows of TLS that began with STARTTLS.
            auth_require_tls=starttls,
            authenticator=self._check_login,
            loop=loop,
        )
        self._sessions.append(session)
        return session

    def _drop(self, session: SMTP, moment: Moment) -> None:
        """Break the connection off if that is ordered for this moment."""
        if self.behaviour.drop_at == moment:
            _break_off(session)

    # What it does at each command; the library finds the methods by their names.

    def _check_login(
        self, server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: LoginPassword
    ) -> AuthResult:
        self._drop(server, "login")
        right = (login.login, login.password) == (self.username.encode(), self.password.encode())
        refusal = self.behaviour.refuse_login
        return AuthResult(success=right and refusal is None, handled=False, message=refusal, auth_data=login)

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self._drop(server, "sender")
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self._drop(server, "recipient")
        refusal = self.behaviour.refuse_recipients.get(address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        reply = "250 2.0.0 Message taken"
        behaviour = self.behaviour
        if behaviour.refuse_text is not None or behaviour.drop_at == "text":
            self._drop(server, "text")
            return behaviour.refuse_text or reply
        raw = envelope.original_content or b""
        message = message_from_bytes(raw, policy=policy.default)
        if self._folder is not None:
            _write_message(self._folder, str(message["subject"] or "no subject"), raw)
        with self._lock:
            self._received.append(ReceivedMail(envelope.mail_from or "", tuple(envelope.rcpt_tos), message))
        if behaviour.silent_after_text:
            # Until the sandbox closes.
            await asyncio.Event().wait()
        if behaviour.drop_after_reply:
            await server.push(reply)
        if behaviour.drop_after_reply or behaviour.drop_after_data:
            _break_off(server)
        return reply


def _break_off(session: SMTP) -> None:
    # One that has been closed already cannot be broken off with Python 3.11.2, which Debian has.
    if session.transport is not None and not session.transport.is_closing():
        cast("asyncio.WriteTransport", session.transport).abort()


def _write_message(folder: Path, subject: str, raw: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    earlier = [int(file.name[:3]) for file in folder.glob("[0-9][0-9][0-9]-*.eml")]
    name = re.sub(r"[^\w-]+", "-", subject).strip("-")[:60]
    path = folder / f"{max(earlier, default=0) + 1:03d}-{name}.eml"
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(raw)


def _report_faults(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what went wrong in the sandbox, but not a client that went away or was sent away."""
    if not isinstance(context.get("exception"), ConnectionError | asyncio.CancelledError):
        loop.default_exception_handler(context)
