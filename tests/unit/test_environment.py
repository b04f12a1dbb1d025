"""`.env` is checked as a whole: what is missing or wrong is said at once, in one line, without a secret."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.installing import env_file as env_files
from flows.installing.environment import find_notes, known_settings, read_environment
from tasks.errors import InvalidInputError

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"

API = {
    "GRADER_API_URL": "https://grader.example/api/statistics",
    "GRADER_CLIENT": "university",
    "GRADER_CLIENT_KEY": "key-that-is-secret",
}
MAIL = {"SMTP_SERVER": "smtp.example", "EMAIL_FROM": "reports@uni.example", "EMAIL_TO": "a@uni.example, b@uni.example"}


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a test writes its `.env`; no variable of the machine's own gets in between."""
    names = [line.split("=")[0] for line in EXAMPLE.read_text().splitlines() if line[:1].isupper()]
    for name in {*names, "GOOGLE_SHEETS_URL"}:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").touch(mode=0o600)
    return tmp_path / ".env"


@pytest.fixture
def elsewhere(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, without a `.env`, as is the checkout."""
    folder = env_file.parent / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(env_files, "CHECKOUT", env_file.parent / "no-checkout")
    return folder


def write(path: Path, values: dict[str, str]) -> Path:
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read_environment(path)
    message = str(caught.value)
    assert "\n" not in message
    assert "secret" not in message
    return message


def test_the_api_alone_is_enough(env_file: Path) -> None:
    environment = read_environment(write(env_file, API))
    assert (environment.grader_client, environment.report_timezone, environment.report_language) == (
        "university",
        "UTC",
        "ru",
    )
    assert environment.email_to == []
    assert environment.database_url is None


def test_everything_that_is_missing_is_named_at_once(env_file: Path) -> None:
    message = refusal(env_file)
    assert message.startswith(f"{env_file} is not complete: missing: ")
    assert all(name in message for name in API)


def test_empty_is_missing(env_file: Path) -> None:
    message = refusal(write(env_file, API | {"GRADER_CLIENT": "", "GRADER_CLIENT_KEY": " "}))
    assert "missing: GRADER_CLIENT, GRADER_CLIENT_KEY" in message


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({"SPREADSHEET_ID": "1abc"}, "GOOGLE_SERVICE_ACCOUNT_FILE"),
        ({"SMTP_SERVER": "smtp.example"}, "EMAIL_FROM, EMAIL_TO"),
        ({"SMTP_PASSWORD": "a-secret"}, "SMTP_SERVER, EMAIL_FROM, EMAIL_TO, SMTP_USERNAME"),
        (MAIL | {"SMTP_USERNAME": "reports"}, "SMTP_PASSWORD"),
    ],
)
def test_a_service_half_set_up_is_a_mistake(env_file: Path, values: dict[str, str], missing: str) -> None:
    assert f"missing: {missing}" in refusal(write(env_file, API | values))


NO_ADDRESS = "not an address: write it as https://grader.example/api/statistics"
NO_PORT = "not a port: write a number from 1 to 65535, or leave it empty"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GRADER_API_URL", "grader.example", NO_ADDRESS),
        ("GRADER_API_URL", "ftp://grader.example", NO_ADDRESS),
        ("GRADER_API_URL", "https://grader.example:port/", NO_ADDRESS),
        ("GRADER_API_URL", "https://", NO_ADDRESS),
        ("GOOGLE_SHEETS_URL", "sheets", "not an address: write it as https://sheets.googleapis.com"),
        ("DATABASE_URL", "mysql://somebody:secret@host/db", "not a PostgreSQL address: write it as postgresql://"),
        ("SMTP_PORT", "many", NO_PORT),
        ("SMTP_PORT", "0", NO_PORT),
        ("SMTP_PORT", "65536", NO_PORT),
        ("SMTP_PORT", "587.5", NO_PORT),
        ("SMTP_TYPE", "INSECURE", "write STARTTLS or SSL"),
        ("REPORT_TIMEZONE", "Moscow Standard Time", "not a time zone: write it as Europe/Moscow"),
        ("REPORT_LANGUAGE", "de", "write ru or en"),
        ("GOOGLE_SERVICE_ACCOUNT_FILE", "/there/is/no/such/file.json", "/there/is/no/such/file.json: No such file"),
        ("SPREADSHEET_ID", "https://docs.google.com/document/d/1abc/edit", "not a spreadsheet's id: it stands in"),
        ("SPREADSHEET_ID", "https://docs.google.com/spreadsheets/d/e/2PACX-1vQ/pubhtml", "not a spreadsheet's id"),
    ],
)
def test_a_wrong_value_is_told_in_our_own_words(env_file: Path, name: str, value: str, said: str) -> None:
    message = refusal(write(env_file, API | {name: value}))
    assert f"{env_file} is not complete: {name}: {said}" in message
    assert "Input should" not in message
    assert "valid" not in message


@pytest.mark.parametrize(
    "value",
    [
        "1aBc_-9",
        "https://docs.google.com/spreadsheets/d/1aBc_-9/edit#gid=0",
        "https://docs.google.com/spreadsheets/u/1/d/1aBc_-9/edit?usp=sharing",
        "docs.google.com/spreadsheets/d/1aBc_-9",
    ],
)
def test_of_a_whole_address_the_sheets_id_is_taken(env_file: Path, tmp_path: Path, value: str) -> None:
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"type": "service_account"}))
    written = write(env_file, API | {"GOOGLE_SERVICE_ACCOUNT_FILE": str(key), "SPREADSHEET_ID": value})
    assert read_environment(written).spreadsheet_id == "1aBc_-9"


def test_a_key_file_of_another_kind_is_refused(env_file: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"type": "authorized_user", "refresh_token": "a-secret"}))
    message = refusal(write(env_file, API | {"GOOGLE_SERVICE_ACCOUNT_FILE": str(key), "SPREADSHEET_ID": "1abc"}))
    assert "not the key of a service account" in message


def test_a_file_that_is_not_utf8_is_refused(env_file: Path) -> None:
    env_file.write_bytes("GRADER_CLIENT=Университет".encode("utf-16"))
    assert refusal(env_file) == f"{env_file} is not a text in UTF-8: save it again as such"


def test_a_file_as_windows_editors_write_it_can_be_read(env_file: Path) -> None:
    write(env_file, API)
    env_file.write_bytes(b"\xef\xbb\xbf" + env_file.read_bytes().replace(b"\n", b"\r\n"))
    assert read_environment(env_file).grader_client == "university"
    assert find_notes(env_file) == []


# --- the file itself


def test_a_file_that_is_not_there_or_a_folder_is_told_as_such(env_file: Path) -> None:
    assert refusal(env_file.parent / "other.env") == (
        f"{env_file.parent / 'other.env'}: there is no such file: correct --env-file"
    )
    assert refusal(env_file.parent) == (
        f"{env_file.parent} is a folder: a file of that name is needed, see .env.example"
    )


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told_as_such(env_file: Path) -> None:
    env_file.chmod(0)
    assert refusal(env_file) == f"{env_file} cannot be read: Permission denied"


def test_without_a_file_the_environment_is_enough(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message = refusal_of_the_default()
    assert f"the environment (there is no .env in {elsewhere}) is not complete: missing: GRADER_API_URL, " in message
    for name, value in API.items():
        monkeypatch.setenv(name, value)
    assert read_environment().grader_client == "university"
    assert find_notes() == []


def refusal_of_the_default() -> str:
    with pytest.raises(InvalidInputError) as caught:
        read_environment()
    return str(caught.value)


def test_from_another_folder_the_file_of_the_checkout_is_used_unless_there_is_one(
    elsewhere: Path, env_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env_files, "CHECKOUT", write(env_file, API).parent)
    assert read_environment().grader_client == "university"
    write(elsewhere / ".env", API | {"GRADER_CLIENT": "another"})
    assert read_environment().grader_client == "another"


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("GRADER_CLIENT: university", "line 2"),
        ("GRADER_CLIENT:university", "line 2"),
        ("GRADER_CLIENT:", "line 2"),
        ("GRADER_CLIENT university", "line 2"),
        ('GRADER_CLIENT="university', "line 2"),
        ("GRADER_CLIENT: a\n\n# a remark: it is none\nGRADER_API_URL: https://grader.example", "lines 2, 5"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_by_its_number(env_file: Path, line: str, place: str) -> None:
    env_file.write_text(f"# settings\n{line}\n")
    assert refusal(env_file) == f"{env_file}, {place}: write NAME=value, with = and with every quote closed"


def test_no_library_warns_of_such_lines_first(elsewhere: Path) -> None:
    (elsewhere / ".env").write_text("GRADER_CLIENT: university\n")
    root = Path(__file__).resolve().parents[2]
    for command in ("flows.setup", "flows.etl"):
        done = subprocess.run(
            [sys.executable, "-m", command, "--no-such-option"]
            if command == "flows.etl"
            else [sys.executable, "-m", command],
            env=os.environ | {"PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert "dotenv" not in done.stderr


# --- slips


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GRADER_CLEINT", "GRADER_CLIENT"),
        ("grader_client_kye", "GRADER_CLIENT_KEY"),
        ("SMTP_USER", "SMTP_USERNAME"),
        ("REPORT_TIME_ZONE", "REPORT_TIMEZONE"),
        ("SPREADSHEET", "SPREADSHEET_ID"),
    ],
)
def test_a_misspelt_setting_is_named_with_the_likely_one(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    assert find_notes(write(env_file, API | {name: "a-secret"})) == [
        f"note: {name} in {env_file} is not a setting: did you mean {meant}?"
    ]
    write(env_file, API)
    monkeypatch.setenv("REPORT_LANGAUGE", "en")
    assert find_notes(env_file) == [
        "note: REPORT_LANGAUGE in the environment is not a setting: did you mean REPORT_LANGUAGE?"
    ]


def test_a_misspelt_setting_stands_beside_the_one_that_is_missing(env_file: Path) -> None:
    values = {"GRADER_CLEINT": "a-secret", **API}
    del values["GRADER_CLIENT"]
    assert refusal(write(env_file, values)) == (
        f"{env_file} is not complete: missing: GRADER_CLIENT; GRADER_CLEINT in {env_file} is not a setting: "
        "did you mean GRADER_CLIENT? (.env.example explains each)"
    )


def test_names_of_other_programs_are_left_alone(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        env_file, API | {"PREFECT_API_URL": "http://x/api", "POSTGRES_USER": "me", "TZ": "UTC", "report_language": "en"}
    )
    for name in ("EMAIL_TOKEN", "SMTP_HOST", "DATABASE", "LANGUAGE"):
        monkeypatch.setenv(name, "x")
    assert find_notes(env_file) == []
    assert read_environment(env_file).report_language == "en"


@pytest.mark.parametrize("name", ["CODEGRADER_HOME", "SSL_CERT_FILE"])
def test_what_the_file_cannot_say_is_told(env_file: Path, name: str) -> None:
    assert find_notes(write(env_file, API | {name: "/somewhere"})) == [
        f"note: {name} has no effect in {env_file}: set it in the environment"
    ]


@pytest.mark.skipif(os.name == "nt", reason="there are no such modes")
@pytest.mark.parametrize(("mode", "is_told"), [(0o600, False), (0o640, True), (0o644, True), (0o604, True)])
def test_a_file_that_others_can_read_is_told_once(env_file: Path, mode: int, *, is_told: bool) -> None:
    write(env_file, API).chmod(mode)
    told = (
        f"note: {env_file} holds your keys and passwords, and others on this machine can read it: chmod 600 {env_file}"
    )
    assert find_notes(env_file) == [told] * is_told


def test_addresses_are_split(env_file: Path) -> None:
    assert read_environment(write(env_file, API | MAIL)).email_to == ["a@uni.example", "b@uni.example"]


def test_the_real_environment_wins(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "GRADER_CLIENT", "another")
    assert read_environment(write(env_file, API)).grader_client == "another"


def test_the_example_names_every_setting() -> None:
    named = {line.split("=")[0] for line in EXAMPLE.read_text().splitlines() if line[:1].isupper()}
    # Where Google's API is, is nobody's to set but the sandbox's.
    assert named == set(known_settings()) - {"GOOGLE_SHEETS_URL"}
