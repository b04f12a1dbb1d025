"""Hours: when in the week students work, over the four weeks that end with the period."""

from collections import Counter
from datetime import timedelta
from typing import Final

from sqlalchemy.engine import Engine

from schemas.language import Text, write_weekday
from schemas.period import start_of
from schemas.section import Column, Findings, Row, Section
from schemas.summary import RunSummary
from schemas.wording import ATTEMPTS_SPAN
from tasks.database import read_rows

DAYS: Final = 28

# Every offset from UTC is a multiple of a quarter of an hour. What hour it then was, Python says: its time zone data
# and PostgreSQL's need not agree.
_QUARTERS: Final = """
    SELECT date_bin('15 minutes', created_at, 'epoch'), count(*)
    FROM attempts
    WHERE created_at >= %(start)s AND created_at < %(end)s
    GROUP BY 1
"""

_TITLE: Final = Text("Попытки по дням недели и часам", "Attempts by weekday and hour")
_WEEKDAY: Final = Text("День недели", "Weekday")
_TIME_ZONE: Final = Text("Часовой пояс {time_zone}.", "Time zone {time_zone}.")


def analyse_hours(engine: Engine, summary: RunSummary) -> Findings:
    """A row a weekday, a column an hour of the reporting time zone.

    Raises:
        TransientError, PermanentError: the database cannot be read.
    """
    language, period = summary.language, summary.period
    first = period.last_day - timedelta(days=DAYS - 1)
    span = {"start": start_of(first, period.time_zone), "end": period.end}
    attempts: Counter[tuple[int, int]] = Counter()
    for quarter, count in read_rows(engine, _QUARTERS, span):
        moment = quarter.astimezone(period.time_zone)
        attempts[moment.weekday(), moment.hour] += count
    if not attempts:
        return Findings()
    week = sorted((first + timedelta(number) for number in range(7)), key=lambda day: day.weekday())
    columns = tuple(Column(f"hour_{hour}", f"{hour:02}", "count", drawn="shade") for hour in range(24))
    rows = tuple(
        Row((write_weekday(day, language), *(attempts[day.weekday(), hour] for hour in range(24)))) for day in week
    )
    notes = (
        ATTEMPTS_SPAN.to(language, first=first, last=period.last_day),
        _TIME_ZONE.to(language, time_zone=period.time_zone.key),
    )
    weekday = Column("weekday", _WEEKDAY.to(language), "text")
    return Findings((Section("hours", _TITLE.to(language), (weekday, *columns), rows, notes, is_picture=True),))
