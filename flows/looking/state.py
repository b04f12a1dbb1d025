"""All that `codegrader status` knows, as JSON and as text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pydantic_core
from prefect.client.schemas.objects import FlowRun, StateType

from flows.backfilling.chunks import date_ranges, describe_days
from schemas.period import Day
from schemas.summary import CheckResult, LoadCounts
from tasks.coverage import LoadedDays


@dataclass(frozen=True, slots=True)
class Recent:
    """What became of the records of the last days that are loaded."""

    first: date
    last: date
    counts: LoadCounts
    checks: tuple[CheckResult, ...]

    def failed(self, severity: str) -> dict[str, int]:
        """How many records failed each check of that severity, most first."""
        failed = [result for result in self.checks if result.severity == severity and result.rows]
        return {result.check: result.rows for result in sorted(failed, key=lambda result: -result.rows)}


@dataclass(frozen=True, slots=True)
class State:
    """What is set up, loaded, missing, rejected and scheduled.

    Attributes:
        services: what each is, without secrets; None if it is not set up.
        fault: why the database cannot be asked, and what to do; None if it can.
        days: None if the database cannot be asked.
        recent: None if nothing is loaded.
        expected_by: when yesterday must be loaded, in the time zone; None if nobody said so.
    """

    now: datetime
    time_zone: ZoneInfo
    services: Mapping[str, str | None]
    fault: str | None
    days: LoadedDays | None
    recent: Recent | None
    expected_by: time | None = None
    last_runs: Sequence[FlowRun] = ()
    next_run: FlowRun | None = None

    @property
    def missed_day(self) -> date | None:
        """The newest day whose deadline has passed, if it is not complete."""
        if self.expected_by is None:
            return None
        present = self.now.astimezone(self.time_zone)
        due = present.date() - timedelta(days=1 if present.time() >= self.expected_by else 2)
        return None if self.days and due in {day.date for day in self.days.complete} else due

    @property
    def is_well(self) -> bool:
        """Whether the database can be asked, and no day is late."""
        return self.fault is None and self.missed_day is None


def to_json(state: State) -> bytes:
    """The state as one object; docs/operating.md says what its keys mean."""
    days, recent = state.days, state.recent
    found = {
        "now": state.now,
        "time_zone": state.time_zone.key,
        "services": {name.lower().replace(" ", "_"): what for name, what in state.services.items()},
        "fault": state.fault,
        "days": days and {name: _ranges(getattr(days, name)) for name in ("complete", "incomplete", "missing")},
        "recent": recent
        and {
            "first": recent.first,
            "last": recent.last,
            **asdict(recent.counts),
            "rejected_by_check": recent.failed("error"),
            "warnings_by_check": recent.failed("warning"),
        },
        "last_runs": [_run(run) for run in state.last_runs],
        "next_run": state.next_run and _run(state.next_run),
        "missed_day": state.missed_day,
        "well": state.is_well,
    }
    return pydantic_core.to_json(found, indent=2)


def _ranges(days: Sequence[Day]) -> list[dict[str, date]]:
    return [{"first": first, "last": last} for first, last in date_ranges(day.date for day in days)]


def _run(run: FlowRun) -> dict[str, str | datetime | None]:
    return {"name": run.name, "state": run.state_name, "at": _start_of(run)}


def _start_of(run: FlowRun) -> datetime | None:
    """When it started, or is to start, in UTC; None if it ended before it started."""
    begun = None if run.state_type is StateType.SCHEDULED else run.start_time
    at = begun or run.expected_start_time
    return at and at.astimezone(UTC)


def to_text(state: State) -> str:
    """The state in lines, each with its subject first."""
    return "\n".join(f"{subject:<16}{said}".rstrip() for subject, said in _lines(state))


def _lines(state: State) -> Iterator[tuple[str, str]]:
    for name, what in state.services.items():
        yield name, what or "not set up"
    if state.fault:
        yield "FAILED", state.fault
    if state.days and state.recent:
        yield "days", f"{describe_days(state.days.complete) or 'none'} complete ({state.time_zone.key})"
        yield "incomplete", describe_days(state.days.incomplete) or "none"
        yield "missing", describe_days(state.days.missing) or "none"
        yield from _lines_of_records(state.recent)
    elif state.days:
        yield "days", "nothing is loaded yet: run codegrader etl"
    for number, run in enumerate(state.last_runs):
        yield "" if number else "last runs", f"{_moment(run)}  {run.state_name or '':<10} {run.name}"
    if state.next_run:
        at = _start_of(state.next_run)
        yield "next run", _moment(state.next_run) + (", waits for a worker" if at and at < state.now else "")
    if state.missed_day:
        yield "LATE", f"{state.missed_day} is not complete, and was expected by {state.expected_by:%H:%M}"


def _lines_of_records(recent: Recent) -> Iterator[tuple[str, str]]:
    counts = recent.counts
    became = f"{counts.fetched:,} fetched, {counts.rejected:,} rejected, {counts.duplicates:,} duplicates"
    yield "records", f"{recent.first} to {recent.last}: {became}"
    for subject, severity in (("rejected", "error"), ("warnings", "warning")):
        if failed := recent.failed(severity):
            yield subject, ", ".join(f"{check}: {rows:,}" for check, rows in failed.items())


def _moment(run: FlowRun) -> str:
    at = _start_of(run)
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "never started"
