"""What is wrong with `PREFECT_API_URL` is one line that says what to do, before a command starts anything."""

import socket

import httpx
import pytest
from prefect import __version__
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from flows.__main__ import main
from flows.running import server
from flows.running.server import check_server, translate_server_errors
from tasks.errors import CodegraderError, InvalidInputError, PermanentError, TransientError
from tests.fixtures.answers import answering
from tests.fixtures.ports import free_port

VERSION = f'"{__version__}"'
ASKED = "/api/admin/version"


def refusal(url: str, kind: type[CodegraderError]) -> str:
    with temporary_settings({PREFECT_API_URL: url}), pytest.raises(CodegraderError) as caught:
        check_server()
    message = str(caught.value)
    assert type(caught.value) is kind
    assert "\n" not in message
    assert "geheim" not in message
    return message


def test_a_server_that_answers_is_fine_and_without_one_there_is_nothing_to_ask() -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert check_server() is None
    with answering(200, VERSION, ASKED) as (address, _):
        for ending in ("/api", "/api/"):
            with temporary_settings({PREFECT_API_URL: address + ending}):
                assert __version__ in str(check_server())


@pytest.mark.parametrize(
    "url",
    ["localhost:4200/api", "ftp://server.example/api", "http://", "http://me:geheim@server.example:99999/api", " "],
)
def test_what_is_no_address_is_told_without_quoting_it(url: str) -> None:
    message = refusal(url, InvalidInputError)
    assert "PREFECT_API_URL" in message
    assert "http://127.0.0.1:4200/api" in message
    assert "server.example" not in message


def test_a_server_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ANSWERS_WITHIN_S", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for place, reason in (
            (f"127.0.0.1:{free_port()}", "Connection refused"),
            ("no-such-host.invalid:4200", "Name or service not known"),
            (f"127.0.0.1:{silent.getsockname()[1]}", "timed out"),
        ):
            message = refusal(f"http://somebody:geheim@{place}/api", TransientError)
            assert f"Prefect server at {place}: " in message
            assert reason in message
            assert "PREFECT_API_URL" in message


@pytest.mark.parametrize(
    ("path", "code", "text", "advice"),
    [
        ("", 200, VERSION, "correct PREFECT_API_URL"),
        ("/apx", 200, VERSION, "correct PREFECT_API_URL"),
        ("/api", 401, "", "PREFECT_API_AUTH_STRING"),
        ("/api", 403, "", "PREFECT_API_AUTH_STRING"),
        ("/api", 503, "", "HTTP 503"),
        ("/api", 200, "<!doctype html>", "correct PREFECT_API_URL"),
        ("/api", 200, '"2.20.1"', f"version 2.20.1, but {__version__}"),
    ],
)
def test_a_server_that_answers_something_else(path: str, code: int, text: str, advice: str) -> None:
    with answering(code, text, ASKED) as (address, _), temporary_settings({PREFECT_API_AUTH_STRING: "admin:geheim"}):
        assert advice in refusal(address + path, PermanentError)


def test_a_server_that_goes_away_later_is_explained_likewise() -> None:
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:4200/api"}),
        pytest.raises(TransientError, match=r"Prefect server at 127\.0\.0\.1:4200: .*\(reset\)"),
        translate_server_errors(),
    ):
        raise httpx.ReadError("reset")


@pytest.mark.parametrize(
    ("command", "given", "code"), [("etl", None, 1), ("backfill", None, 1), ("etl", "no address", 2)]
)
def test_a_command_says_it_in_one_line(
    capsys: pytest.CaptureFixture[str], command: str, given: str | None, code: int
) -> None:
    with answering(200, VERSION, ASKED) as (address, _), temporary_settings({PREFECT_API_URL: given or address}):
        assert main([command, "--start-date", "2023-04-01"]) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert "PREFECT_API_URL" in output.err
    assert output.err.count("\n") == 1
