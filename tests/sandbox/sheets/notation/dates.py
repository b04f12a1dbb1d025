"""Dates as the numbers that a spreadsheet keeps: days since 30 December 1899."""

from datetime import date, datetime, timedelta

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's dates have no time zone
DAY_MILLISECONDS = 86_400_000


def date_serial(day: date) -> float:
    """Give the number of a day.

    Args:
        day: the day.
    """
    return float((day - EPOCH.date()).days)


def moment_of(serial: float) -> datetime:
    """Give the moment that a number stands for, to the nearest millisecond.

    Args:
        serial: the number.

    Raises:
        OverflowError: the number stands for no date that the calendar has.
    """
    return EPOCH + timedelta(milliseconds=round(serial * DAY_MILLISECONDS))
