"""`.env` is checked as a whole: what is missing or wrong is said at once, in one line, without a secret."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.installing import environment as environments
from flows.installing.blocks import configure
from flows.installing.environment import KNOWN_SETTINGS, Environment, read_environment
from schemas.settings import Settings
from tasks.errors import InvalidInputError
from tests.fixtures.prefect_server import ROOT

API = {
    "GRADER_API_URL": "https://grader.example/api/statistics",
    "GRADER_CLIENT": "university",
    "GRADER_CLIENT_KEY": "key-that-is-secret",
}
MAIL = {"SMTP_SERVER": "smtp.example", "EMAIL_FROM": "reports@uni.example", "EMAIL_TO": "a@uni.example, b@uni.example"}


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a test writes its `.env`; no variable of the machine's own gets in between."""
    for name in KNOWN_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").touch(mode=0o600)
    return tmp_path / ".env"


@pytest.fixture
def elsewhere(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, without a `.env`, as is the checkout."""
    folder = env_file.parent / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(environments, "CHECKOUT", env_file.parent / "no-checkout")
    return folder


def write(path: Path, values: dict[str, str]) -> Path:
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return path


def refusal(path: Path | None) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read_environment(path)
    message = str(caught.value)
    assert "\n" not in message
    assert "secret" not in message
    assert "pass@" not in message
    return message


# --- values


def test_the_api_alone_is_enough_and_the_real_environment_wins_even_if_empty(
    env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = read_environment(write(env_file, API | {"LOG_DIR": "/var/log"}))
    assert (environment.grader_client, str(environment.log_dir)) == ("university", "/var/log")
    assert (environment.report_timezone, environment.report_language) == ("UTC", "ru")
    assert (environment.email_to, environment.database_url) == ((), None)
    monkeypatch.setenv("GRADER_CLIENT", "another")
    monkeypatch.setenv("LOG_DIR", "")
    environment = read_environment(env_file)
    assert (environment.grader_client, environment.log_dir) == ("another", None)


PORTS, URL, SHEET = "1 to 65535", "postgresql://user:password@host:5432/database", "between /d/ and /edit"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (dict.fromkeys(API, ""), f"missing: {', '.join(API)} ("),
        ({"GRADER_CLIENT": "", "GRADER_CLIENT_KEY": '" "'}, "missing: GRADER_CLIENT, GRADER_CLIENT_KEY ("),
        # A service that is set up in part is a mistake.
        ({"REPORT_URL": "https://reports.example"}, "missing: REPORT_STORAGE ("),
        ({"SPREADSHEET_ID": "1abc"}, "missing: GOOGLE_SERVICE_ACCOUNT_FILE ("),
        ({"SMTP_PASSWORD": "a-secret"}, "missing: SMTP_SERVER, EMAIL_FROM, EMAIL_TO, SMTP_USERNAME ("),
        (MAIL | {"SMTP_USERNAME": "reports"}, "missing: SMTP_PASSWORD ("),
        ({"GRADER_API_URL": "grader.example"}, "https://grader.example/"),
        ({"GRADER_API_URL": "ftp://grader.example"}, "https://grader.example/"),
        ({"GRADER_API_URL": "https://"}, "https://grader.example/"),
        ({"GOOGLE_SHEETS_URL": "sheets"}, "https://sheets.googleapis.com"),
        ({"DATABASE_URL": "mysql://somebody:secret@host/db"}, URL),
        ({"DATABASE_URL": "postgresql://me:secret@pass@db.example/results"}, "%40 for an @"),
        ({"DATABASE_URL": "postgresql://me:secret@db.example:port/results"}, URL),
        ({"DATABASE_URL": "postgresql://me:secret@db.example"}, URL),
        ({"SMTP_PORT": "0"}, PORTS),
        ({"SMTP_PORT": "65536"}, PORTS),
        ({"SMTP_PORT": "587.5"}, PORTS),
        ({"SMTP_TYPE": "INSECURE"}, "STARTTLS or SSL"),
        ({"REPORT_TIMEZONE": "Moscow Standard Time"}, "Europe/Moscow"),
        ({"REPORT_LANGUAGE": "de"}, "ru or en"),
        ({"GOOGLE_SERVICE_ACCOUNT_FILE": "/there/is/no/such/file.json"}, "/there/is/no/such/file.json: No such file"),
        (
            {"HOLIDAYS": "/no/file"},
            "HOLIDAYS: /no/file: No such file or directory; write a file of dates, or a country",
        ),
        ({"REPORT_STORAGE": "reports"}, "the type and the name of a Block, such as gcs-bucket/reports"),
        ({"REPORT_URL": "reports", "REPORT_STORAGE": "gcs-bucket/a"}, "https://reports.example/"),
        ({"EMAIL_ATTACH_REPORT": "perhaps"}, "yes or no"),
        (
            {"EMAIL_TO": '"a@uni.example\nPY-101 ="'},
            "'PY-101 =' the course or its readers are missing",
        ),
        ({"EMAIL_TO": '"= a@uni.example"'}, "missing: write Course key = address, address"),
        ({"HOLIDAYS": "XX"}, "HOLIDAYS: XX: no days off are known of this country; write a file of dates"),
        ({"SPREADSHEET_ID": "https://docs.google.com/document/d/1abc/edit"}, SHEET),
        ({"SPREADSHEET_ID": "https://docs.google.com/spreadsheets/d/e/2PACX-1vQ/pubhtml"}, SHEET),
    ],
    ids=str,
)
def test_what_is_missing_or_wrong_is_named_with_what_to_write(
    env_file: Path, values: dict[str, str], said: str
) -> None:
    message = refusal(write(env_file, API | values))
    assert f"{env_file} is not complete: " in message
    assert said in message
    assert said.startswith("missing") or f"{next(iter(values))}: " in message
    assert "nput should" not in message


def test_all_that_is_wrong_is_told_together(env_file: Path) -> None:
    message = refusal(write(env_file, {"GRADER_API_URL": "x", "SMTP_PORT": "x", "GRADER_CLEINT": "x"}))
    for part in ("missing: GRADER_CLIENT, GRADER_CLIENT_KEY", "GRADER_API_URL: ", "SMTP_PORT: ", "GRADER_CLEINT is "):
        assert part in message


@pytest.mark.parametrize("content", ["", "[1]", "{}", '{"type": "authorized_user", "refresh_token": "a-secret"}'])
def test_a_key_file_of_another_kind_is_refused(env_file: Path, tmp_path: Path, content: str) -> None:
    key = tmp_path / "key.json"
    key.write_text(content)
    message = refusal(write(env_file, API | {"GOOGLE_SERVICE_ACCOUNT_FILE": str(key), "SPREADSHEET_ID": "1abc"}))
    assert f"GOOGLE_SERVICE_ACCOUNT_FILE: {key} is not the key of a service account" in message


def test_what_is_written_otherwise_is_understood(env_file: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    pem = rsa.generate_private_key(65537, 2048).private_bytes(encoding, kind, serialization.NoEncryption())
    account = {"private_key": pem.decode(), "client_email": "me@uni.example", "token_uri": "https://token.example"}
    (env_file.parent / "key.json").write_text(json.dumps(account))
    others = {"SMTP_TYPE": "ssl", "report_language": '"EN "'}
    others["GOOGLE_SERVICE_ACCOUNT_FILE"] = str(env_file.parent / "key.json")
    for sheet in (
        "1aBc_-9",
        "https://docs.google.com/spreadsheets/d/1aBc_-9/edit#gid=0",
        "https://docs.google.com/spreadsheets/u/1/d/1aBc_-9/edit?usp=sharing",
        "docs.google.com/spreadsheets/d/1aBc_-9",
    ):
        environment = read_environment(write(env_file, API | MAIL | others | {"SPREADSHEET_ID": sheet}))
        assert environment.spreadsheet_id == "1aBc_-9"
        assert environment.email_to == ("a@uni.example", "b@uni.example")
        assert (environment.smtp_type, environment.report_language) == ("SSL", "en")


@pytest.mark.parametrize(
    ("address", "password", "host", "query"),
    [
        ("postgresql://me:geheim@db.example/results", "geheim", "db.example", {}),
        ("postgresql+psycopg2://me:geh%40im%25@db.example:5433/results", "geh@im%", "db.example", {}),
        ("postgresql://me@db/results?password=geheim&sslmode=require", "geheim", "db", {"sslmode": "require"}),
        ("postgresql://me:geheim@[::1]:5433/results", "geheim", "::1", {}),
        ("postgresql://me:a/b:c?d#e@db.example/results", "a/b:c?d#e", "db.example", {}),
        ("postgresql://me@/results?host=/run/postgresql", None, None, {"host": "/run/postgresql"}),
    ],
)
def test_an_address_is_taken_apart(address: str, password: str | None, host: str | None, query: dict[str, str]) -> None:
    """With its password where it is kept secret."""
    values = {name.lower(): value for name, value in API.items()} | {"database_url": address}
    database: Any = configure(Environment.model_validate(values)).database
    found = database.connection_info
    assert (found.username, found.host, found.database, found.query) == ("me", host, "results", query)
    assert found.port == (5433 if ":5433" in address else None)
    assert (found.password and found.password.get_secret_value()) == password
    assert "geheim" not in repr(found)


def test_who_reads_of_one_course_alone_is_named_in_a_line(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (
        "a@uni.example, b@uni.example\n\n course-v1:X=Y = c@uni.example , a@uni.example\nc@uni.example\nZ=b@uni.example"
    )
    monkeypatch.setenv("EMAIL_TO", lines)
    from_variable = configure(read_environment(write(env_file, API | MAIL))).settings
    monkeypatch.delenv("EMAIL_TO")
    settings = configure(read_environment(write(env_file, API | MAIL | {"EMAIL_TO": f'"{lines}"'}))).settings
    assert settings == from_variable
    everybody = ("a@uni.example", "b@uni.example", "c@uni.example")
    assert settings.readers == {
        "": everybody,
        "Z": ("b@uni.example",),
        "course-v1:X=Y": ("c@uni.example", "a@uni.example"),
    }
    assert settings.addresses == everybody
    assert Settings.model_validate(json.loads(settings.model_dump_json())) == settings
    # As it was saved before there were such lines.
    assert Settings(email_to=("a@uni.example",)).readers == {"": ("a@uni.example",)}


def test_days_off_are_a_file_or_a_country(env_file: Path) -> None:
    file = env_file.parent / "off.txt"
    file.write_text("# exams\n2023-05-01 # May\n\n2023-05-09\n")
    for value, holidays in ((str(file), (date(2023, 5, 1), date(2023, 5, 9))), ("ru", "RU"), ("", ())):
        settings = configure(read_environment(write(env_file, API | {"HOLIDAYS": value}))).settings
        assert settings.holidays == holidays
        # As it is saved, and read by the runs.
        assert Settings.model_validate(json.loads(settings.model_dump_json())).holidays == holidays
    file.write_text("2023-05-01\n1 May\n")
    said = refusal(write(env_file, API | {"HOLIDAYS": str(file)}))
    assert f"HOLIDAYS: {file}, line 2: '1 May' is no date: write it as 2023-05-01" in said


# --- the file itself


def test_a_file_that_cannot_be_read_is_told_as_such(env_file: Path) -> None:
    other, folder = env_file.parent / "other.env", env_file.parent
    assert refusal(other).startswith(f"{other}: there is no such file")
    assert refusal(folder) == f"{folder} cannot be read: Is a directory"
    env_file.write_bytes("GRADER_CLIENT=Университет".encode("utf-16"))
    assert refusal(env_file).startswith(f"{env_file} is not a text in UTF-8")


def test_a_file_as_windows_editors_write_it_can_be_read(env_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(env_file, API)
    env_file.write_bytes(b"\xef\xbb\xbf" + env_file.read_bytes().replace(b"\n", b"\r\n"))
    assert read_environment(env_file).grader_client == "university"
    assert capsys.readouterr().err == ""


def test_without_a_file_the_checkouts_is_used_or_the_environment_is_enough(
    elsewhere: Path, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert f"there is no .env in {elsewhere}) is not complete: missing: GRADER_API_URL, " in refusal(None)
    with monkeypatch.context() as patch:
        for name, value in API.items():
            patch.setenv(name, value)
        assert read_environment().grader_client == "university"
    monkeypatch.setattr(environments, "CHECKOUT", write(env_file, API | {"GRADER_CLIENT": "of the checkout"}).parent)
    assert read_environment().grader_client == "of the checkout"
    write(elsewhere / ".env", API | {"GRADER_CLIENT": "another"})
    assert read_environment().grader_client == "another"


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("GRADER_CLIENT:university", "line 2"),
        ("GRADER_CLIENT university", "line 2"),
        ('GRADER_CLIENT="university', "line 2"),
        ("GRADER_CLIENT: a\n\n# a remark: it is none\nGRADER_API_URL: https://grader.example", "line 2, 5"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_by_its_number(env_file: Path, line: str, place: str) -> None:
    env_file.write_text(f"# settings\n{line}\n")
    assert refusal(env_file).startswith(f"{env_file}, {place}: write NAME=value")


@pytest.mark.parametrize(
    ("command", "content", "address"),
    [
        ("setup", b"GRADER_CLIENT: university\n", ""),
        ("status", "GRADER_CLIENT=university".encode("utf-16"), ""),
        ("psql", b"", "http://[::1/api"),
    ],
    ids=["line", "UTF-16", "Prefect's address"],
)
def test_prefect_neither_warns_of_what_it_cannot_read_nor_shows_a_traceback(
    elsewhere: Path, command: str, content: bytes, address: str
) -> None:
    (elsewhere / ".env").write_bytes(content)
    variables = os.environ | {"PYTHONPATH": str(ROOT), "PREFECT_API_URL": address}
    arguments = [sys.executable, "-m", "flows", *command.split()]
    done = subprocess.run(arguments, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "dotenv" not in done.stderr


# --- slips


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("GRADER_CLEINT", "GRADER_CLIENT?"),
        ("grader_client_kye", "GRADER_CLIENT_KEY?"),
        ("SMTP_USER", "SMTP_USERNAME?"),
        ("CODEGRADER_HOME", "has no effect"),
    ],
)
def test_a_setting_that_has_no_effect_is_named_with_the_likely_one(
    env_file: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    others = {"PREFECT_API_URL": "http://x/api", "POSTGRES_USER": "me", "TZ": "UTC", "log_dir": "x"}
    read_environment(write(env_file, API | others | {name: "a-secret"}))
    note = capsys.readouterr().err
    assert note.startswith(f"note: {env_file}: {name} ")
    assert note.count("\n") == 1
    assert said in note
    assert "secret" not in note


@pytest.mark.skipif(os.name == "nt", reason="there are no such modes")
@pytest.mark.parametrize(("mode", "is_told"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_can_read_is_told(
    env_file: Path, capsys: pytest.CaptureFixture[str], mode: int, *, is_told: bool
) -> None:
    write(env_file, API).chmod(mode)
    read_environment(env_file)
    assert (f"chmod 600 {env_file}" in capsys.readouterr().err) == is_told
