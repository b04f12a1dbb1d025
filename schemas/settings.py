"""What is configured and not secret: kept in a Prefect Variable, where it can be read and changed in the dashboard."""

from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from schemas.language import DEFAULT_LANGUAGE, Language

VARIABLE: Final = "codegrader"
"""The name of the Variable."""


class Settings(BaseModel):
    """The settings of reporting and publishing.

    Attributes:
        report_timezone: whose midnight ends a day; an IANA name.
        report_language: the language of report, mail and sheet.
        spreadsheet_id: the Google spreadsheet, as in its address.
        google_sheets_url: where Google's API is.
        email_from: the sender's address.
        email_to: the readers' addresses.
        log_dir: where the daily log files go; None for `logs` in the private folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    report_timezone: str = "UTC"
    report_language: Language = DEFAULT_LANGUAGE
    spreadsheet_id: str | None = None
    google_sheets_url: str = "https://sheets.googleapis.com"
    email_from: str | None = None
    email_to: tuple[str, ...] = ()
    log_dir: str | None = None

    @property
    def time_zone(self) -> ZoneInfo:
        """The reporting time zone."""
        return ZoneInfo(self.report_timezone)
