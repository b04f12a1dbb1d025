"""What is wrong with `PREFECT_API_URL` is one line that says what to do, before a command starts anything."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import httpx
import pytest
from prefect import __version__
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.running import server
from flows.running.server import check_server, translate_server_errors
from tasks.errors import CodegraderError, InvalidInputError, PermanentError, TransientError
from tests.e2e.prefect_server import ROOT
from tests.ports import free_port

START_IT = "start it, or correct PREFECT_API_URL"
WRITE_IT = "write it as http://127.0.0.1:4200/api"


@contextmanager
def answering(code: int, text: str) -> Iterator[str]:
    """A server that answers `GET /api/admin/version` so, and 404 to all else; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = self.path == "/api/admin/version"
            self.send_response(code if is_known else 404)
            self.end_headers()
            self.wfile.write(text.encode() if is_known else b"<html></html>")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listener:
        thread = Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.server_port}"
        finally:
            listener.shutdown()
            thread.join()


def refusal(url: str) -> CodegraderError:
    with temporary_settings({PREFECT_API_URL: url}), pytest.raises(CodegraderError) as caught:
        check_server()
    assert "\n" not in str(caught.value)
    assert "geheim" not in str(caught.value)
    return caught.value


def test_without_a_server_there_is_nothing_to_ask() -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        check_server()


def test_a_server_that_answers_is_fine() -> None:
    with answering(200, f'"{__version__}"') as address:
        for ending in ("/api", "/api/"):
            with temporary_settings({PREFECT_API_URL: address + ending}):
                check_server()


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:4200/api",
        "localhost:4200/api",
        "ftp://server.example/api",
        "http://",
        "http://server.example:port/api",
        "http://somebody:geheim@server.example:99999/api",
        "/api",
        " ",
    ],
)
def test_what_is_no_address_is_told_without_quoting_it(url: str) -> None:
    error = refusal(url)
    assert isinstance(error, InvalidInputError)
    assert str(error) == f"PREFECT_API_URL is not the address of a server: {WRITE_IT}"


def test_a_server_that_is_not_there() -> None:
    port = free_port()
    error = refusal(f"http://somebody:geheim@127.0.0.1:{port}/api")
    assert isinstance(error, TransientError)
    assert str(error) == (f"Prefect server at 127.0.0.1:{port}: it cannot be reached (connection refused): {START_IT}")


def test_a_host_that_does_not_exist() -> None:
    error = refusal("http://no-such-host.invalid:4200/api")
    assert isinstance(error, TransientError)
    assert str(error) == (
        "Prefect server at no-such-host.invalid:4200: it cannot be reached (its host name cannot be resolved): "
        f"{START_IT}"
    )


def test_a_server_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(server, "ANSWERS_WITHIN_S", 0.2)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        error = refusal(f"http://127.0.0.1:{listener.getsockname()[1]}/api")
    assert isinstance(error, TransientError)
    assert f"it cannot be reached (it is silent): {START_IT}" in str(error)


@pytest.mark.parametrize("path", ["", "/", "/apx"])
def test_an_address_without_api(path: str) -> None:
    with answering(200, f'"{__version__}"') as address:
        error = refusal(address + path)
    assert isinstance(error, PermanentError)
    assert f"no Prefect API is there: correct PREFECT_API_URL, {WRITE_IT}" in str(error)


@pytest.mark.parametrize(
    ("code", "text", "advice"),
    [
        (401, "", "it answered HTTP 401: set PREFECT_API_AUTH_STRING"),
        (403, "", "it answered HTTP 403: set PREFECT_API_AUTH_STRING"),
        (500, "", "it answered HTTP 500: see its log"),
        (503, "", "it answered HTTP 503: see its log"),
        (200, "<!doctype html>", "no Prefect API is there"),
        (200, '"2.20.1"', f"it is of version 2.20.1, but {__version__} is needed"),
    ],
)
def test_a_server_that_answers_something_else(code: int, text: str, advice: str) -> None:
    with answering(code, text) as address, temporary_settings({PREFECT_API_AUTH_STRING: "admin:geheim"}):
        error = refusal(f"{address}/api")
    assert isinstance(error, PermanentError)
    assert advice in str(error)


def test_a_server_that_goes_away_later_is_explained_likewise() -> None:
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:4200/api"}),
        pytest.raises(TransientError, match=r"Prefect server at 127\.0\.0\.1:4200: it cannot be reached \(ReadError\)"),
        translate_server_errors(),
    ):
        raise httpx.ReadError("reset")


@pytest.mark.parametrize("command", ["flows.etl", "flows.backfill"])
@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("http://127.0.0.1:{free}/api", 1, "it cannot be reached (connection refused)"),
        ("http://127.0.0.1:{port}", 1, "no Prefect API is there"),
        ("127.0.0.1:{port}/api", 2, "PREFECT_API_URL is not the address of a server"),
    ],
    ids=["refused", "without api", "without http"],
)
def test_a_command_says_it_in_one_line(command: str, url: str, code: int, said: str) -> None:
    with answering(200, f'"{__version__}"') as address:
        url = url.format(free=free_port(), port=address.rpartition(":")[2])
        done = subprocess.run(
            [sys.executable, "-m", command, "--start-date", "2023-04-01"],
            cwd=ROOT,
            env=os.environ | {"PREFECT_API_URL": url},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
