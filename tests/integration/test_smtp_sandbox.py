"""The sandbox's mail server, used with Python's own client: who gets no mail through it, and what it leaves."""

import smtplib
import ssl
import stat
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

import pytest

from tests.sandbox.smtp import SmtpSandbox


def connect(sandbox: SmtpSandbox) -> smtplib.SMTP:
    """Open a connection with TLS, without a login, as strictly as the newest Python does by itself."""
    context = ssl.create_default_context(cafile=str(sandbox.ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    if sandbox.mode == "ssl":
        return smtplib.SMTP_SSL(sandbox.host, sandbox.port, "client", timeout=5, context=context)
    client = smtplib.SMTP(sandbox.host, sandbox.port, "client", timeout=5)
    client.starttls(context=context)
    return client


@pytest.mark.parametrize("mode", ["starttls", "ssl"])
def test_there_is_no_login_without_tls_and_no_mail_without_a_login(mode: Literal["starttls", "ssl"]) -> None:
    with SmtpSandbox(mode) as sandbox, connect(sandbox) as client:
        client.ehlo()
        assert client.mail("a@sandbox.example")[0] == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(sandbox.username, "wrong")
        if mode == "starttls":
            with smtplib.SMTP(sandbox.host, sandbox.port, "client", timeout=5) as plain:
                plain.ehlo()
                assert not plain.has_extn("AUTH")
                assert plain.docmd("AUTH", "PLAIN AHgAeA==")[0] == 530
                assert plain.mail("a@sandbox.example")[0] == 530
    assert sandbox.messages == []


def test_messages_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    for subject in ("Отчёт за 1 апреля", "../a/b: c?"):
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = subject, "reports@sandbox.example", "dean@sandbox.example"
        with SmtpSandbox(folder=folder) as sandbox, connect(sandbox) as client:
            client.login(sandbox.username, sandbox.password)
            client.send_message(message)
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["001-Отчёт-за-1-апреля.eml", "002-a-b-c.eml"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
