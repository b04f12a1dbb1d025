"""`.env` and the environment, typed and checked together: everything that is missing or wrong is said at once.

What cannot be read or used is an `InvalidInputError`, in one line.

A new setting is one declaration: here if it is a secret or setup alone needs it, else in `schemas.settings`. Its
description completes the sentence "write ..." in the error about a value that cannot be used.
"""

import io
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from stat import S_IRGRP, S_IROTH
from typing import Annotated, Any, Final, Literal, Self

from dotenv.parser import parse_stream
from pydantic import (
    AnyHttpUrl,
    BeforeValidator,
    Field,
    Secret,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.settings import Settings
from tasks.days_off import read_holidays
from tasks.errors import InvalidInputError

CHECKOUT: Final = Path(__file__).parents[2]

_SHEET: Final = ("google_service_account_file", "spreadsheet_id")
_MAIL: Final = ("smtp_server", "email_from", "email_to")
_LOGIN: Final = ("smtp_username", "smtp_password")
_STORAGE: Final = ("report_storage",)
ENVIRONMENT_ALONE: Final = ("CODEGRADER_HOME", "SSL_CERT_FILE")
"""What only the environment can say, since it is needed by commands that do not read the file."""


def _read_key_file(name: str) -> dict[str, Any]:
    """The content of a service account's key file: a worker elsewhere does not have the file."""
    from google.oauth2.service_account import Credentials

    read: Any = Credentials.from_service_account_info  # without types
    try:
        key = dict(json.loads(Path(name).expanduser().read_text("utf-8")))
        read(key)
    except OSError as error:
        raise ValueError(f"{name}: {error.strerror}") from None
    except (TypeError, ValueError):
        raise ValueError(f"{name} is not the key of a service account, or damaged: download it once more") from None
    return key


class Environment(BaseSettings, Settings):
    """All settings, by the names of `.env.example` in lower case; a real environment variable wins over the file."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8",
        extra="ignore",
        hide_input_in_errors=True,
        validate_default=False,
        enable_decoding=False,
    )

    grader_api_url: str = Field(description="an address such as https://grader.example/api/statistics")
    grader_client: str
    grader_client_key: SecretStr
    database_url: SecretStr | None = Field(
        None,
        description="an address such as postgresql://user:password@host:5432/database, "
        "with %40 for an @ and %25 for a % in the password",
    )
    google_service_account_file: Annotated[Secret[dict[str, Any]], BeforeValidator(_read_key_file)] | None = None
    smtp_server: str | None = None
    smtp_port: int | None = Field(None, gt=0, lt=65536, description="a number from 1 to 65535, or leave it empty")
    smtp_type: Annotated[Literal["SSL", "STARTTLS"], BeforeValidator(str.upper)] = Field(
        "STARTTLS", description="STARTTLS or SSL"
    )
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Empty is the same as not there; only here, so that an empty variable still wins over the file."""
        return {name: value for name, value in given.items() if not isinstance(value, str) or value.strip()}

    @field_validator("grader_api_url", "google_sheets_url", "heartbeat_url", "report_url")
    @classmethod
    def _check_address(cls, value: str) -> str:
        return str(AnyHttpUrl(value))

    @field_validator("holidays", mode="before")
    @classmethod
    def _read_holidays(cls, value: str) -> str | tuple[date, ...]:
        return read_holidays(value)

    @field_validator("database_url")
    @classmethod
    def _check_database(cls, value: SecretStr) -> SecretStr:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(value.get_secret_value())
        except (ArgumentError, ValueError):
            raise ValueError from None
        # Of a password with an @, what follows would pass for the host, and be shown as such.
        if url.drivername not in ("postgresql", "postgresql+psycopg2") or not url.database or "@" in (url.host or ""):
            raise ValueError
        return value

    @field_validator("spreadsheet_id")
    @classmethod
    def _find_spreadsheet_id(cls, value: str) -> str:
        """The id, also out of the sheet's whole address, as a browser shows it."""
        found = re.fullmatch(r".*/spreadsheets/(?:u/\d+/)?d/(?!e/)([\w-]+).*|([\w-]+)", value.strip())
        if found is None:
            raise ValueError
        return found[1] or found[2]

    @field_validator("report_language", mode="before")
    @classmethod
    def _in_small_letters(cls, value: str) -> str:
        return value.strip().lower()

    @model_validator(mode="after")
    def _complete_groups(self) -> Self:
        """A service of which only a part is set up is a mistake, not a wish to do without it."""
        missing = [
            name.upper()
            for group, optional in (
                (_SHEET, ()),
                (_MAIL, (*_LOGIN, "smtp_port")),
                (_LOGIN, ()),
                (_STORAGE, ("report_url",)),
            )
            if any(getattr(self, name) for name in (*group, *optional))
            for name in group
            if not getattr(self, name)
        ]
        if missing:
            raise ValueError("missing: " + ", ".join(missing))
        return self


KNOWN_SETTINGS: Final = tuple(name.upper() for name in Environment.model_fields)


def read_environment(env_file: Path | None = None) -> Environment:
    """Reads the file and the environment; without a name `.env` in this folder or in the checkout, if it is there.

    What is likely a mistake, but may be somebody's intention, is told on standard error.
    """
    path = _find_file(env_file)
    names = _read_names(path)
    try:
        environment = Environment(_env_file=path)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        missing = [str(problem["loc"][0]).upper() for problem in problems if problem["type"] == "missing"]
        lines = [f"missing: {', '.join(missing)}"] if missing else []
        lines += [_describe(problem) for problem in problems if problem["type"] != "missing"]
        lines += _find_misspelt(names)
        where = str(path) if path.exists() else f"the environment (there is no .env in {Path.cwd()})"
        raise InvalidInputError(f"{where} is not complete: {'; '.join(lines)} (.env.example explains each)") from None
    for note in _find_notes(path, names):
        print(f"note: {path}: {note}", file=sys.stderr)
    return environment


def _describe(problem: Any) -> str:
    """An error of ours says itself what to do; pydantic's words are for programmers."""
    error = problem.get("ctx", {}).get("error")
    explained = str(error) if type(error) is ValueError else ""
    if not problem["loc"]:
        return explained
    name = problem["loc"][0]
    return f"{name.upper()}: {explained or f'write {Environment.model_fields[name].description}'}"


def _find_notes(path: Path, names: Sequence[str]) -> Iterator[str]:
    """A misspelt setting, one that has no effect in a file, and a file that others can read."""
    yield from _find_misspelt(names)
    for name in sorted({*names} & {*ENVIRONMENT_ALONE}):
        yield f"{name} has no effect in a file: set it in the environment"
    if names and os.name != "nt" and path.stat().st_mode & (S_IRGRP | S_IROTH):
        yield f"others on this machine can read your keys and passwords in it: chmod 600 {path}"


def _find_file(named: Path | None) -> Path:
    """The file that was named; else `.env` in this folder, or else in the checkout, whether it is there or not."""
    if named is None:
        here = Path(".env")
        return here if here.exists() or not (CHECKOUT / here).exists() else CHECKOUT / here
    if not named.exists():
        raise InvalidInputError(f"{named}: there is no such file: correct --env-file")
    return named


def _read_names(path: Path) -> list[str]:
    """The names that the file gives a value to; none if it is not there."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInputError(f"{path} is not a text in UTF-8: save it again as such") from None
    lines = list(parse_stream(io.StringIO(text)))
    # python-dotenv takes a name alone for a line without a value, and `NAME:value` for a name.
    wrong = [str(line.original.line) for line in lines if line.error or (line.key is not None and line.value is None)]
    if wrong:
        raise InvalidInputError(
            f"{path}, line {', '.join(wrong)}: write NAME=value, with = and with every quote closed"
        )
    return [line.key for line in lines if line.key]


def _find_misspelt(names: Sequence[str]) -> Iterator[str]:
    """Names that are no setting's but resemble one; others may be meant for another program."""
    for name in names:
        likely = get_close_matches(name.upper(), KNOWN_SETTINGS, 1, 0.8)
        if likely and name.upper() not in KNOWN_SETTINGS:
            yield f"{name} is not a setting: did you mean {likely[0]}?"
