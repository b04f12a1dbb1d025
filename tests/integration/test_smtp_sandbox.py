"""The sandbox's mail server, used with Python's own client."""

import smtplib
import ssl
import stat
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.sandbox.certificates import PrivateAuthority
from tests.sandbox.smtp import SmtpBehaviour, SmtpSandbox

TO = "dean@sandbox.example"
CONNECTION_LOST = (smtplib.SMTPServerDisconnected, ConnectionError, ssl.SSLError)


@pytest.fixture(params=["starttls", "ssl"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[SmtpSandbox]:
    with SmtpSandbox(request.param) as sandbox:
        yield sandbox


def trust(ca_file: Path) -> ssl.SSLContext:
    """Trust one authority, as strictly as the newest Python does by itself."""
    context = ssl.create_default_context(cafile=str(ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def connect(sandbox: SmtpSandbox, context: ssl.SSLContext, host: str = "127.0.0.1") -> smtplib.SMTP:
    """Open a connection with TLS, without a login."""
    if sandbox.mode == "ssl":
        return smtplib.SMTP_SSL(host, sandbox.port, local_hostname="client", timeout=5, context=context)
    client = smtplib.SMTP(host, sandbox.port, local_hostname="client", timeout=5)
    try:
        client.starttls(context=context)
    except ssl.SSLError:
        client.close()
        raise
    return client


def log_in(sandbox: SmtpSandbox, host: str = "127.0.0.1") -> smtplib.SMTP:
    client = connect(sandbox, trust(sandbox.ca_file), host)
    client.login(sandbox.username, sandbox.password)
    return client


def report(subject: str = "Отчёт за 1 апреля") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "reports@sandbox.example", TO
    message.set_content("Всё хорошо.\n.\nКонец.\n")
    message.add_attachment(b"\x89PNG" * 1000, maintype="image", subtype="png", filename="chart.png")
    return message


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_message_arrives_as_it_was_sent(sandbox: SmtpSandbox, host: str) -> None:
    with log_in(sandbox, host) as client:
        client.send_message(report(), from_addr="bounces@sandbox.example", to_addrs=[TO, "b@sandbox.example"])
    (mail,) = sandbox.received
    assert (mail.sender, mail.recipients) == ("bounces@sandbox.example", (TO, "b@sandbox.example"))
    assert mail.message["Subject"] == "Отчёт за 1 апреля"
    text = mail.message.get_body(("plain",))
    assert text is not None
    assert text.get_content() == "Всё хорошо.\r\n.\r\nКонец.\r\n"
    assert [part.get_content() for part in mail.message.iter_attachments()] == [b"\x89PNG" * 1000]


def test_messages_and_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    certificate = PrivateAuthority(tmp_path / "authority").issue()
    for _ in range(2):
        with SmtpSandbox(folder=folder, certificate=certificate) as sandbox, log_in(sandbox) as client:
            client.send_message(report())
            client.send_message(report(subject="../a/b: c?"))
    files = sorted(folder.iterdir())
    stems = ["001-Отчёт-за-1-апреля", "002-a-b-c", "003-Отчёт-за-1-апреля", "004-a-b-c"]
    assert [file.name for file in files] == [f"{stem}.eml" for stem in stems]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (*files, certificate.key_file)} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, certificate.key_file.parent)} == {0o700}


def test_nobody_who_does_not_know_the_authority_gets_in(
    sandbox: SmtpSandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(sandbox, ssl.create_default_context())
    log_in(sandbox).quit()
    assert capfd.readouterr() == ("", "")


def test_a_certificate_that_is_not_right_is_noticed(tmp_path: Path) -> None:
    authority = PrivateAuthority(tmp_path)
    for wrong in (authority.issue(expired=True), authority.issue(["mail.example"])):
        with SmtpSandbox(certificate=wrong) as sandbox, pytest.raises(ssl.SSLCertVerificationError):
            connect(sandbox, trust(authority.ca_file))


def test_there_is_no_login_without_tls() -> None:
    with SmtpSandbox() as sandbox, smtplib.SMTP(sandbox.host, sandbox.port, "client", timeout=5) as client:
        client.ehlo()
        assert not client.has_extn("AUTH")
        assert client.docmd("AUTH", "PLAIN AHgAeA==")[0] == 530
        assert client.mail("a@sandbox.example")[0] == 530


def test_there_is_no_mail_without_a_login(sandbox: SmtpSandbox) -> None:
    with connect(sandbox, trust(sandbox.ca_file)) as client:
        client.ehlo()
        assert client.mail("a@sandbox.example")[0] == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(sandbox.username, "wrong")
    assert sandbox.messages == []


def test_a_right_login_and_a_recipient_are_refused_on_demand() -> None:
    behaviour = SmtpBehaviour("454 4.7.0 Try again later", {"gone@sandbox.example": "550 5.1.1 No such mailbox"})
    with SmtpSandbox(behaviour=behaviour) as sandbox:
        with (
            connect(sandbox, trust(sandbox.ca_file)) as client,
            pytest.raises(smtplib.SMTPAuthenticationError) as refused,
        ):
            client.login(sandbox.username, sandbox.password)
        assert refused.value.smtp_code == 454
        behaviour.refuse_login = None
        with log_in(sandbox) as client:
            refusals = client.send_message(report(), to_addrs=["gone@sandbox.example", TO])
        assert refusals == {"gone@sandbox.example": (550, b"5.1.1 No such mailbox")}
        assert [mail.recipients for mail in sandbox.received] == [(TO,)]


def test_a_message_that_is_too_large_is_refused() -> None:
    with SmtpSandbox(behaviour=SmtpBehaviour(max_message_bytes=5000)) as sandbox, log_in(sandbox) as client:
        with pytest.raises(smtplib.SMTPSenderRefused) as announced:
            client.send_message(report())
        assert announced.value.smtp_code == 552
        client.mail("reports@sandbox.example")
        client.rcpt(TO)
        assert client.data(report().as_bytes(policy=policy.SMTP))[0] == 552
        assert sandbox.messages == []


def test_a_connection_gets_lost_after_the_message_was_taken(
    sandbox: SmtpSandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    sandbox.behaviour.drop_after_data = True
    client = log_in(sandbox)
    with pytest.raises(CONNECTION_LOST):
        client.send_message(report())
    client.close()
    sandbox.behaviour = SmtpBehaviour(drop_after_reply=True)
    client = log_in(sandbox)
    assert client.send_message(report()) == {}
    with pytest.raises(CONNECTION_LOST):
        client.quit()
    client.close()
    assert len(sandbox.messages) == 2
    assert capfd.readouterr() == ("", "")


def test_a_closed_sandbox_breaks_off_its_connections(capfd: pytest.CaptureFixture[str]) -> None:
    with SmtpSandbox() as sandbox:
        client = log_in(sandbox)
    with pytest.raises(CONNECTION_LOST):
        client.noop()
    client.close()
    assert capfd.readouterr() == ("", "")
