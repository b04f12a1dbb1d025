"""`.env` is checked as a whole: what is missing or wrong is said at once, in one line, without a secret."""

import json
import os
from pathlib import Path

import pytest

from flows.installing.environment import read_environment
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
    return tmp_path / ".env"


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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRADER_API_URL", "grader.example"),
        ("DATABASE_URL", "mysql://somebody:secret@host/db"),
        ("SMTP_PORT", "many"),
        ("SMTP_TYPE", "INSECURE"),
        ("REPORT_TIMEZONE", "Moscow Standard Time"),
        ("REPORT_LANGUAGE", "de"),
        ("GOOGLE_SERVICE_ACCOUNT_FILE", "/there/is/no/such/file.json"),
    ],
)
def test_a_wrong_value_is_named(env_file: Path, name: str, value: str) -> None:
    assert f"{name}: " in refusal(write(env_file, API | {name: value}))


def test_a_key_file_of_another_kind_is_refused(env_file: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"type": "authorized_user", "refresh_token": "a-secret"}))
    message = refusal(write(env_file, API | {"GOOGLE_SERVICE_ACCOUNT_FILE": str(key), "SPREADSHEET_ID": "1abc"}))
    assert "not the key of a service account" in message


def test_a_file_that_is_not_utf8_is_refused(env_file: Path) -> None:
    env_file.write_bytes("GRADER_CLIENT=Университет".encode("utf-16"))
    assert "UTF-8" in refusal(env_file)


def test_addresses_are_split(env_file: Path) -> None:
    assert read_environment(write(env_file, API | MAIL)).email_to == ["a@uni.example", "b@uni.example"]


def test_the_real_environment_wins(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "GRADER_CLIENT", "another")
    assert read_environment(write(env_file, API)).grader_client == "another"


def test_the_example_names_every_setting() -> None:
    from flows.installing.environment import Environment

    example = EXAMPLE.read_text()
    named = {line.split("=")[0] for line in example.splitlines() if line[:1].isupper()}
    known = {str(field.alias) for field in Environment.model_fields.values()}
    # Where Google's API is, is nobody's to set but the sandbox's.
    assert named == known - {"GOOGLE_SHEETS_URL"}
