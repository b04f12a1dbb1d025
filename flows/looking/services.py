"""Whether what is set up answers: a connection, without a login, a question about records, or a change."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
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
    api, settings = configuration.api, configuration.settings
    looks: dict[str, Callable[[], Service]] = dict.fromkeys(("grader API", "Google Sheet", "mail"), Service)
    looks["grader API"] = partial(
        _look, f"{_root(api.url)}, client {api.client}", partial(_ask, api.url), "GRADER_API_URL"
    )
    if configuration.google and settings.spreadsheet_id:
        ask = partial(_ask, settings.google_sheets_url)
        looks["Google Sheet"] = partial(_look, settings.spreadsheet_id, ask, "that this machine reaches the internet")
    if configuration.mail:
        host, port = address_of(configuration.mail)
        what = f"{host}:{port}, to {', '.join(settings.email_to)}"
        looks["mail"] = partial(_look, what, partial(_connect, host, port), "SMTP_SERVER and SMTP_PORT")
    with ThreadPoolExecutor() as threads:
        return dict(zip(looks, threads.map(lambda look: look(), looks.values()), strict=True))


def _look(what: str, attempt: Callable[[], None], advice: str) -> Service:
    try:
        attempt()
    # The errors of `requests` are among them.
    except OSError as error:
        return Service(what, f"cannot be reached ({type(error).__name__}): check {advice}")
    return Service(what)


def _ask(url: str) -> None:
    """Asks for the head of the server's first page: whatever it answers, it is there."""
    import requests

    requests.head(f"{_root(url)}/", timeout=PATIENCE_S)


def _connect(host: str, port: int) -> None:
    socket.create_connection((host, port), PATIENCE_S).close()


def _root(url: str) -> str:
    """Scheme, host and port: what stands before and behind may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
