"""The pipeline's own way from an answer's text to the figures: transform, check, load, metrics."""

from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from schemas.period import Window, days_between
from tasks.check import check
from tasks.figures import compute_figures
from tasks.grader_api import parse_records
from tasks.load import load_window
from tasks.transform import transform

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

UTC_ZONE: Final = ZoneInfo("UTC")


def process(engine: "Engine", text: str, window: Window, now: datetime) -> None:
    """Takes one window's answer to the database, and computes the figures of its days."""
    records = parse_records(text)
    load_window(engine, window, check(records, transform(records), window, now), None, now)
    compute_figures(engine, list(days_between(window.start, window.end, UTC_ZONE)), UTC_ZONE)
