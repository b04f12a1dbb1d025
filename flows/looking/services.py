"""Whether what is set up answers: a connection, without a login, a question about records, or a change."""

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from flows.running.configuration import Configuration
from tasks.mail_server import address_of

PATIENCE_S: Final = 5
"""So long a service may take to answer."""


@dataclass(frozen=True, slots=True)
class Service:
    """What is known of a service.

    Attributes:
        what: what it is, without secrets; None if none is set up.
        fault: why it cannot be used, and what to do; None if it answers.
    """

    what: str | None = None
    fault: str | None = None


def look_at_services(configuration: Configuration) -> dict[str, Service]:
    """Connects to the services outside, all at once, so that it takes no longer than the slowest."""
    with ThreadPoolExecutor() as threads:
        looks = {
            "grader API": threads.submit(_look_at_api, configuration),
            "Google Sheet": threads.submit(_look_at_sheet, configuration),
            "mail": threads.submit(_look_at_mail, configuration),
        }
        return {name: look.result() for name, look in looks.items()}


def _look_at_api(configuration: Configuration) -> Service:
    api = configuration.api
    return Service(f"{_root(api.url)}, client {api.client}", _ask(api.url, "GRADER_API_URL"))


def _look_at_sheet(configuration: Configuration) -> Service:
    settings = configuration.settings
    if configuration.google is None or settings.spreadsheet_id is None:
        return Service()
    return Service(settings.spreadsheet_id, _ask(settings.google_sheets_url, "that this machine reaches the internet"))


def _look_at_mail(configuration: Configuration) -> Service:
    mail = configuration.mail
    if mail is None:
        return Service()
    host, port = address_of(mail)
    try:
        socket.create_connection((host, port), PATIENCE_S).close()
    except OSError as error:
        return Service(f"{host}:{port}", _fault(error, "SMTP_SERVER and SMTP_PORT"))
    return Service(f"{host}:{port}, to {', '.join(configuration.settings.email_to)}")


def _ask(url: str, advice: str) -> str | None:
    """Asks for the head of the server's first page: whatever it answers, it is there."""
    import requests

    try:
        requests.head(f"{_root(url)}/", timeout=PATIENCE_S)
    except requests.RequestException as error:
        return _fault(error, advice)
    return None


def _fault(error: Exception, advice: str) -> str:
    return f"cannot be reached ({type(error).__name__}): check {advice}"


def _root(url: str) -> str:
    """Scheme, host and port: what stands before and behind may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
