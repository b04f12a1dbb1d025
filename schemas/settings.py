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
    """The settings of reporting and publishing, which `.env` names in capitals.

    A description tells how the value is written in `.env`: see `flows.installing.environment`.

    Attributes:
        report_timezone: whose midnight ends a day; an IANA name.
        report_language: the language of report, mail and sheet.
        spreadsheet_id: the Google spreadsheet, as in its address.
        google_sheets_url: where Google's API is.
        email_from: the sender's address.
        email_to: the readers' addresses.
        student_lists: whether the report lists the students who may need a hand, by pseudonym.
        task_titles: a CSV with the titles of tasks; None for the sheet's tab `Tasks`.
        expected_by: when yesterday must be loaded, in the reporting time zone; None: nobody waits for it.
        heartbeat_url: what is called after each good daily run.
        holidays: days off, which are not judged for anomalies: a country's code, or the dates of the file.
        log_dir: where the daily log files go; None for `logs` in the private folder.
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
