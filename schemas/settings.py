"""What is configured and not secret: kept in a Prefect Variable, where it can be read and changed in the dashboard."""

from datetime import date, time
from typing import Annotated, Any, Final, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from schemas.language import DEFAULT_LANGUAGE, Language

VARIABLE: Final = "codegrader"
"""The name of the Variable."""


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


One = TypeVar("One")
Several = Annotated[tuple[One, ...], BeforeValidator(_split)]
"""Several values, which `.env` separates by commas."""


class Settings(BaseModel):
    """The settings of reporting and publishing, which `.env` names in capitals; `.env.example` explains each.

    A description tells how the value is written in `.env`: see `flows.installing.environment`.

    Attributes:
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
    email_to: Several[str] = ()
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
    def time_zone(self) -> ZoneInfo:
        """The reporting time zone."""
        return ZoneInfo(self.report_timezone)
