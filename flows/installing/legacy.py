"""The import of the earlier script's table: its rows become attempts, as if they had been fetched."""

from collections import Counter
from collections.abc import Container, Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Engine

from schemas.attempt import Checked
from schemas.period import Day, Window, days_between
from schemas.record import Record
from tasks.check import check
from tasks.figures import compute_figures
from tasks.legacy import TABLE, has_table, read_days
from tasks.load import load_missing
from tasks.plan import FIRST_YEAR
from tasks.transform import transform


def import_legacy(engine: Engine, time_zone: ZoneInfo, days_off: Container[date] = frozenset()) -> Iterator[str]:
    """Copies the rows into `attempts`, a transaction a day, and computes their days' figures.

    What was fetched stays as it is, and so does the table. No window counts as loaded: the API was not asked.

    Yields lines that tell how far it is, and at the end what became of all rows. Where it fails, the days before are
    kept, and a further import goes on from there.
    """
    if not has_table(engine):
        yield f"{TABLE}: there is no table of an earlier script, so nothing is to be imported"
        return
    counts: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    days: dict[date, Day] = {}
    for records in read_days(engine):
        checked = _check(records)
        counts["new"] += load_missing(engine, checked.accepted)
        counts.update(rows=len(records), accepted=len(checked.accepted), left_out=len(checked.rejected))
        left_out.update({result.check: result.rows for result in checked.results if result.severity == "error"})
        if len(moments := checked.accepted["created_at"].dt.to_pydatetime()):
            touched = days_between(min(moments), max(moments) + timedelta(microseconds=1), time_zone)
            days |= {day.date: day for day in touched}
        yield f"{TABLE}: {counts['rows']:,} rows read, {counts['new']:,} new attempts"
    compute_figures(engine, days.values(), time_zone, days_off)
    yield f"{TABLE}: {_describe(counts, left_out)}; figures of {len(days):,} days computed; the table is left as it is"


def _check(records: list[Record]) -> Checked:
    now = datetime.now(UTC)
    # The table does not hold the parameters as they came, and what stands for them here must not be taken for them.
    attempts = transform(records).assign(passback_params=None)
    return check(records, attempts, Window(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), now), now)


def _describe(counts: Counter[str], left_out: Counter[str]) -> str:
    there = counts["accepted"] - counts["new"]
    duplicates = counts["rows"] - counts["accepted"] - counts["left_out"]
    reasons = ", ".join(f"{check} {rows:,}" for check, rows in left_out.items() if rows)
    return (
        f"{counts['rows']:,} rows: {counts['new']:,} new attempts, {there:,} there already, {duplicates:,} duplicates, "
        f"{counts['left_out']:,} left out" + (f" (failed: {reasons})" if reasons else "")
    )
