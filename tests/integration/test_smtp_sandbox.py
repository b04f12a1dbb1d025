"""The sandbox's mail server, used with Python's own client and with Prefect's Block."""

import smtplib
import ssl
import stat
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

import pytest
from prefect_email import EmailServerCredentials

from tests.sandbox.certificates import PrivateAuthority
from tests.sandbox.smtp import SmtpBehaviour, SmtpSandbox

Mode = Literal["starttls", "ssl"]
MODES: tuple[Mode, ...] = ("starttls", "ssl")
TO = "dean@sandbox.example"


def trust(ca_file: Path) -> ssl.SSLContext:
    """Trust one authority, as strictly as the newest Python does by itself."""
    context = ssl.create_default_context(cafile=str(ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def connect(sandbox: SmtpSandbox, context: ssl.SSLContext, host: str | None = None) -> smtplib.SMTP:
    """Open a connection with TLS, without a login."""
    where = host or sandbox.host
    if sandbox.mode == "ssl":
        return smtplib.SMTP_SSL(where, sandbox.port, local_hostname="client", timeout=5, context=context)
    client = smtplib.SMTP(where, sandbox.port, local_hostname="client", timeout=5)
    try:
        client.starttls(context=context)
    except ssl.SSLError:
        client.close()
        raise
    return client


def log_in(sandbox: SmtpSandbox) -> smtplib.SMTP:
    client = connect(sandbox, trust(sandbox.ca_file))
    client.login(sandbox.username, sandbox.password)
    return client


def report(subject: str = "Отчёт за 1 апреля", text: str = "Всё хорошо.\n.\nКонец.\n") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "reports@sandbox.example", TO
    message.set_content(text)
    message.add_alternative("<p>Всё хорошо.</p>", subtype="html")
    message.add_attachment(b"\x89PNG" * 1000, maintype="image", subtype="png", filename="chart.png")
    return message


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_message_arrives_as_it_was_sent(mode: Mode, host: str) -> None:
    with SmtpSandbox(mode) as sandbox:
        with connect(sandbox, trust(sandbox.ca_file), host) as client:
            client.login(sandbox.username, sandbox.password)
            client.send_message(report(), from_addr="bounces@sandbox.example", to_addrs=[TO, "b@sandbox.example"])
        (mail,) = sandbox.received
        (message,) = sandbox.messages
    assert (mail.sender, mail.recipients) == ("bounces@sandbox.example", (TO, "b@sandbox.example"))
    assert message["Subject"] == "Отчёт за 1 апреля"
    text = message.get_body(("plain",))
    assert text is not None
    assert text.get_content() == "Всё хорошо.\r\n.\r\nКонец.\r\n"
    assert [part.get_content() for part in message.iter_attachments()] == [b"\x89PNG" * 1000]


def test_messages_are_written_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    for _ in range(2):
        with SmtpSandbox(folder=folder) as sandbox, log_in(sandbox) as client:
            client.send_message(report())
            client.send_message(report(subject="../a/b: c?"))
    files = sorted(folder.iterdir())
    stems = ["001-Отчёт-за-1-апреля", "002-a-b-c", "003-Отчёт-за-1-апреля", "004-a-b-c"]
    assert [file.name for file in files] == [f"{stem}.eml" for stem in stems]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert b"\r\nSubject: " in b"\r\n" + files[0].read_bytes()


@pytest.mark.parametrize("mode", MODES)
def test_nobody_who_does_not_know_the_authority_gets_in(mode: Mode, capfd: pytest.CaptureFixture[str]) -> None:
    with SmtpSandbox(mode) as sandbox:
        with pytest.raises(ssl.SSLCertVerificationError):
            connect(sandbox, ssl.create_default_context())
        with log_in(sandbox) as client:
            client.send_message(report())
        assert len(sandbox.messages) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("mode", MODES)
def test_a_certificate_that_is_not_right_is_noticed(mode: Mode, tmp_path: Path) -> None:
    authority = PrivateAuthority(tmp_path)
    wrong = {"expired": authority.issue(expired=True), "not valid for": authority.issue(["mail.example"])}
    for complaint, certificate in wrong.items():
        with (
            SmtpSandbox(mode, certificate=certificate) as sandbox,
            pytest.raises(ssl.SSLCertVerificationError, match=complaint),
        ):
            connect(sandbox, trust(authority.ca_file))


def test_private_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    certificate = PrivateAuthority(tmp_path / "authority").issue()
    assert stat.S_IMODE(certificate.key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(certificate.key_file.parent.stat().st_mode) == 0o700


def test_there_is_no_login_without_tls() -> None:
    with SmtpSandbox() as sandbox, smtplib.SMTP(sandbox.host, sandbox.port, "client", timeout=5) as client:
        client.ehlo()
        assert not client.has_extn("AUTH")
        assert client.docmd("AUTH", "PLAIN AHgAeA==")[0] == 530
        assert client.mail("a@sandbox.example")[0] == 530


@pytest.mark.parametrize("mode", MODES)
def test_there_is_no_mail_without_a_login(mode: Mode) -> None:
    with SmtpSandbox(mode) as sandbox, connect(sandbox, trust(sandbox.ca_file)) as client:
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.send_message(report())
        assert refused.value.smtp_code == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(sandbox.username, "wrong")
        assert sandbox.messages == []


def test_a_right_login_is_refused_on_demand() -> None:
    with SmtpSandbox(behaviour=SmtpBehaviour(refuse_login="454 4.7.0 Try again later")) as sandbox:
        with connect(sandbox, trust(sandbox.ca_file)) as client:
            with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
                client.login(sandbox.username, sandbox.password)
            assert refused.value.smtp_code == 454
        sandbox.behaviour.refuse_login = None
        log_in(sandbox).quit()


def test_a_recipient_is_refused_on_demand() -> None:
    behaviour = SmtpBehaviour(refuse_recipients={"gone@sandbox.example": "550 5.1.1 No such mailbox"})
    with SmtpSandbox(behaviour=behaviour) as sandbox, log_in(sandbox) as client:
        refused = client.send_message(report(), to_addrs=["gone@sandbox.example", TO])
        assert refused == {"gone@sandbox.example": (550, b"5.1.1 No such mailbox")}
        assert [mail.recipients for mail in sandbox.received] == [(TO,)]


def test_a_message_that_is_too_large_is_refused() -> None:
    with SmtpSandbox(behaviour=SmtpBehaviour(max_message_bytes=5000)) as sandbox, log_in(sandbox) as client:
        client.ehlo()
        assert client.esmtp_features["size"] == "5000"
        with pytest.raises(smtplib.SMTPSenderRefused) as announced:
            client.send_message(report())
        assert announced.value.smtp_code == 552
        client.mail("reports@sandbox.example")
        client.rcpt(TO)
        assert client.data(report().as_bytes(policy=policy.SMTP))[0] == 552
        assert sandbox.messages == []


@pytest.mark.parametrize("mode", MODES)
def test_a_reply_gets_lost_after_the_message_was_taken(mode: Mode, capfd: pytest.CaptureFixture[str]) -> None:
    with SmtpSandbox(mode, behaviour=SmtpBehaviour(drop_after_data=True)) as sandbox:
        client = log_in(sandbox)
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError, ssl.SSLError)):
            client.send_message(report())
        client.close()
        assert len(sandbox.messages) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("mode", MODES)
def test_a_connection_gets_lost_after_the_reply(mode: Mode) -> None:
    with SmtpSandbox(mode, behaviour=SmtpBehaviour(drop_after_reply=True)) as sandbox:
        client = log_in(sandbox)
        assert client.send_message(report()) == {}
        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError, ssl.SSLError)):
            client.quit()
        client.close()
        assert len(sandbox.messages) == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_closed_sandbox_breaks_off_its_connections(mode: Mode, capfd: pytest.CaptureFixture[str]) -> None:
    with SmtpSandbox(mode) as sandbox:
        client = log_in(sandbox)
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError, ssl.SSLError)):
        client.noop()
    client.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("mode", MODES)
def test_the_block_of_prefect_gets_in_with_the_authority_alone(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    with SmtpSandbox(mode) as sandbox:
        block = EmailServerCredentials(
            username=sandbox.username,
            password=sandbox.password,
            smtp_server=sandbox.host,
            smtp_type=mode.upper(),
            smtp_port=sandbox.port,
        )
        with pytest.raises(ssl.SSLCertVerificationError):
            block.get_server()
        monkeypatch.setenv("SSL_CERT_FILE", str(sandbox.ca_file))
        with block.get_server() as client:
            client.send_message(report())
        assert [message["To"] for message in sandbox.messages] == [TO]
