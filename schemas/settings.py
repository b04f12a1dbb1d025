"""What is configured and not secret: kept in a Prefect Variable, where it can be read and changed in the dashboard."""

from datetime import date, time
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from schemas.language import DEFAULT_LANGUAGE, Language

VARIABLE: Final = "codegrader"
"""The name of the Variable."""


def _split(addresses: str) -> list[str]:
    return [part.strip() for part in addresses.split(",") if part.strip()]


def _split_lines(value: Any) -> Any:
    """Addresses, and the lines that name a course; a key may hold a `=`, an address does not."""
    if not isinstance(value, str):
        return value
    found: list[str] = []
    for line in map(str.strip, value.splitlines()):
        course, is_named, addresses = line.rpartition("=")
        if is_named and not (course.strip() and _split(addresses)):
            raise ValueError(f"in {line!r} the course or its readers are missing: write Course key = address, address")
        found += [line] if is_named else _split(line)
    return found


class Settings(BaseModel):
    """The settings of reporting and publishing, which `.env` names in capitals; `.env.example` explains each.

    A description tells how the value is written in `.env`: see `flows.installing.environment`.

    Attributes:
        email_to: addresses, and texts such as `Course key = address, address`, see `readers`.
        holidays: a country's code, or the dates of the file that `.env` names.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    report_timezone: str = Field("UTC", description="a time zone such as Europe/Moscow")
    report_language: Language = Field(DEFAULT_LANGUAGE, description="ru or en")
    spreadsheet_id: str | None = Field(
        None, description="the sheet's address, or the id in it, which stands between /d/ and /edit"
    )
    google_sheets_url: str = Field(
        "https://sheets.googleapis.com", description="an address such as https://sheets.googleapis.com"
    )
    email_from: str | None = None
    email_to: Annotated[tuple[str, ...], BeforeValidator(_split_lines)] = ()
    log_dir: str | None = None
    student_lists: bool = Field(default=False, description="yes or no")
    task_titles: str | None = None
    expected_by: time | None = Field(None, description="a time of day such as 06:00")
    heartbeat_url: str | None = Field(None, description="an address such as https://monitor.example/ping/1")
    holidays: str | tuple[date, ...] = Field((), description="a file of dates, or a country such as RU")
    report_storage: str | None = Field(
        None, pattern=r"^[\w-]+/[\w-]+$", description="the type and the name of a Block, such as gcs-bucket/reports"
    )
    report_url: str | None = Field(None, description="an address such as https://reports.example/codegrader")
    email_attach_report: bool = Field(default=False, description="yes or no")

    @field_validator("report_timezone")
    @classmethod
    def _know_time_zone(cls, value: str) -> str:
        try:
            return ZoneInfo(value.strip()).key
        except (KeyError, OSError):
            raise ValueError from None

    @property
    def readers(self) -> dict[str, tuple[str, ...]]:
        """The addresses of those who read of each course, by its key; of those who read of all, by an empty text."""
        found: dict[str, list[str]] = {}
        for each in self.email_to:
            course, _, addresses = each.rpartition("=")
            found.setdefault(course.strip(), []).extend(_split(addresses))
        return {course: tuple(dict.fromkeys(found[course])) for course in sorted(found)}

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of them, once."""
        return tuple(dict.fromkeys(address for readers in self.readers.values() for address in readers))

    @property
    def time_zone(self) -> ZoneInfo:
        """The reporting time zone."""
        return ZoneInfo(self.report_timezone)
