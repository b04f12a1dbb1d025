"""`.env` and the environment, typed and checked together: everything that is missing or wrong is said at once."""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AnyHttpUrl, BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from flows.installing.env_file import find_env_file, find_misspelt, find_slips, read_names
from schemas.language import Language
from tasks.errors import InvalidInputError

_SHEET: Final = ("GOOGLE_SERVICE_ACCOUNT_FILE", "SPREADSHEET_ID")
_MAIL: Final = ("SMTP_SERVER", "EMAIL_FROM", "EMAIL_TO")
_ABSENT: Final = ("missing", "string_too_short", "too_short", "url_parsing_empty")
"""What pydantic says of a setting that is not there, or is there and empty."""
_LOGIN: Final = ("SMTP_USERNAME", "SMTP_PASSWORD")
_EXPECTED: Final = {
    "GRADER_API_URL": "not an address: write it as https://grader.example/api/statistics",
    "GOOGLE_SHEETS_URL": "not an address: write it as https://sheets.googleapis.com",
    "SMTP_PORT": "not a port: write a number from 1 to 65535, or leave it empty",
    "SMTP_TYPE": "write STARTTLS or SSL",
    "REPORT_LANGUAGE": "write ru or en",
}
"""What to say of a value that pydantic refuses: its own words are for programmers."""


def _blank_is_missing(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


Text = Annotated[str | None, BeforeValidator(_blank_is_missing)]
Secret = Annotated[SecretStr | None, BeforeValidator(_blank_is_missing)]


class Environment(BaseSettings):
    """The settings by the names that `.env.example` explains; a real environment variable wins over the file."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8", extra="ignore", hide_input_in_errors=True, validate_default=False
    )

    grader_api_url: AnyHttpUrl = Field(alias="GRADER_API_URL")
    grader_client: str = Field(alias="GRADER_CLIENT", min_length=1)
    grader_client_key: SecretStr = Field(alias="GRADER_CLIENT_KEY", min_length=1)
    database_url: Secret = Field(None, alias="DATABASE_URL")
    google_service_account_file: Text = Field(None, alias="GOOGLE_SERVICE_ACCOUNT_FILE")
    spreadsheet_id: Text = Field(None, alias="SPREADSHEET_ID")
    google_sheets_url: AnyHttpUrl = Field(AnyHttpUrl("https://sheets.googleapis.com"), alias="GOOGLE_SHEETS_URL")
    smtp_server: Text = Field(None, alias="SMTP_SERVER")
    smtp_port: Annotated[int | None, BeforeValidator(_blank_is_missing)] = Field(
        None, alias="SMTP_PORT", gt=0, lt=65536
    )
    smtp_type: Literal["SSL", "STARTTLS"] = Field("STARTTLS", alias="SMTP_TYPE")
    smtp_username: Text = Field(None, alias="SMTP_USERNAME")
    smtp_password: Secret = Field(None, alias="SMTP_PASSWORD")
    email_from: Text = Field(None, alias="EMAIL_FROM")
    email_to: Annotated[list[str], NoDecode] = Field([], alias="EMAIL_TO")
    report_timezone: str = Field("UTC", alias="REPORT_TIMEZONE")
    report_language: Language = Field("ru", alias="REPORT_LANGUAGE")
    log_dir: Text = Field(None, alias="LOG_DIR")

    @field_validator("smtp_type", mode="before")
    @classmethod
    def _read_smtp_type(cls, value: str) -> str:
        return value.strip().upper() or "STARTTLS"

    @field_validator("email_to", mode="before")
    @classmethod
    def _split_addresses(cls, value: str) -> list[str]:
        return [address for part in value.split(",") if (address := part.strip())]

    @field_validator("report_timezone")
    @classmethod
    def _know_time_zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value.strip() or "UTC").key
        except (KeyError, ValueError, OSError):
            raise ValueError("not a time zone: write it as Europe/Moscow") from None

    @field_validator("report_language", mode="before")
    @classmethod
    def _read_language(cls, value: str) -> str:
        return value.strip().lower() or "ru"

    @field_validator("google_service_account_file")
    @classmethod
    def _read_key_file(cls, value: str | None) -> str | None:
        if value is not None:
            read_service_account(Path(value))
        return value

    @field_validator("spreadsheet_id")
    @classmethod
    def _find_spreadsheet_id(cls, value: str | None) -> str | None:
        """The id, also out of the sheet's whole address, as a browser shows it."""
        if value is None or re.fullmatch(r"[\w-]+", value := value.strip()):
            return value
        found = re.search(r"/spreadsheets/(?:u/\d+/)?d/(?!e/)([\w-]+)", value)
        if found is None:
            raise ValueError("not a spreadsheet's id: it stands in the sheet's address, between /d/ and /edit")
        return found[1]

    @field_validator("database_url")
    @classmethod
    def _know_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgresql+psycopg2://")):
            raise ValueError("not a PostgreSQL address: write it as postgresql://user:password@host:5432/database")
        return value

    @model_validator(mode="after")
    def _complete_groups(self) -> "Environment":
        """A service of which only a part is set up is a mistake, not a wish to do without it."""
        given = {field.alias: getattr(self, name) for name, field in type(self).model_fields.items()}
        missing = [
            name
            for group, optional in ((_SHEET, ()), (_MAIL, (*_LOGIN, "SMTP_PORT")), (_LOGIN, ()))
            if any(given[name] for name in (*group, *optional))
            for name in group
            if not given[name]
        ]
        if missing:
            raise ValueError("missing: " + ", ".join(missing))
        return self


def read_environment(env_file: Path | None = None) -> Environment:
    """Reads the file and the environment.

    Args:
        env_file: None for `.env` in this folder or in the checkout, which need not be there.

    Raises:
        InvalidInputError: one line with everything that is missing or wrong.
    """
    path = find_env_file(env_file)
    names = read_names(path)
    try:
        return Environment(_env_file=path)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        missing = [str(problem["loc"][0]) for problem in problems if problem["type"] in _ABSENT]
        wrong = [_describe(problem) for problem in problems if problem["type"] not in _ABSENT]
        wrong += find_misspelt(names, known_settings(), f"in {path}")
        lines = ([f"missing: {', '.join(missing)}"] if missing else []) + wrong
        where = str(path) if path.exists() else f"the environment (there is no .env in {Path.cwd()})"
        raise InvalidInputError(f"{where} is not complete: {'; '.join(lines)} (.env.example explains each)") from None


def find_notes(env_file: Path | None = None) -> list[str]:
    """What is likely a mistake in a file that can be used: misspelt settings, and that others can read it.

    Raises:
        InvalidInputError: it cannot be read.
    """
    return [f"note: {slip}" for slip in find_slips(find_env_file(env_file), known_settings())]


def known_settings() -> list[str]:
    """The names of all settings."""
    return [str(field.alias) for field in Environment.model_fields.values()]


def _describe(problem: Any) -> str:
    """A problem in our own words."""
    name = str(problem["loc"][0]) if problem["loc"] else ""
    is_ours = problem["type"] == "value_error"
    said = str(problem["msg"]).removeprefix("Value error, ") if is_ours else _EXPECTED.get(name, "it cannot be used")
    return f"{name}: {said}" if name else said


def read_service_account(path: Path) -> dict[str, Any]:
    """Reads a service account's key file.

    Raises:
        ValueError: it is not there, cannot be read, or is no such file.
    """
    try:
        content = json.loads(path.expanduser().read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"{path} is not a JSON file: download the service account's key once more") from None
    if not isinstance(content, dict) or content.get("type") != "service_account":
        raise ValueError(f"{path} is not the key of a service account: its type says otherwise")
    return content
