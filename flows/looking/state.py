"""All that `codegrader status` knows, as JSON and as text."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pydantic_core
from prefect.client.schemas.objects import FlowRun, StateType

from flows.backfilling.chunks import date_ranges, describe_days
from flows.looking.newest_day import NewestDay
from schemas.period import Day
from schemas.summary import CheckResult, LoadCounts
from tasks.coverage import LoadedDays


@dataclass(frozen=True, slots=True)
class Service:
    """What is known of a service.

    Attributes:
        what: what it is, without secrets; None if none is set up.
        fault: why it cannot be used, and what to do; None if it answers.
    """

    what: str | None = None
    fault: str | None = None


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
        services: by name; the database and Prefect's server are among them.
        days: None if the database cannot be asked.
        recent: None if nothing is loaded.
        max_age: what the newest complete day may be old; None if nobody said so.
        newest_day: the newest complete day; None if there is none.
        expected_by: when yesterday must be loaded, in the time zone; None if nobody said so.
    """

    now: datetime
    time_zone: ZoneInfo
    services: Mapping[str, Service]
    days: LoadedDays | None
    recent: Recent | None
    max_age: timedelta | None = None
    last_runs: Sequence[FlowRun] = ()
    next_run: FlowRun | None = None
    expected_by: time | None = None
    newest_day: NewestDay | None = None

    @property
    def missed_day(self) -> date | None:
        """The newest day whose deadline has passed, if it is not complete."""
        if self.expected_by is None:
            return None
        present = self.now.astimezone(self.time_zone)
        due = present.date() - timedelta(days=1 if present.time() >= self.expected_by else 2)
        return None if self.days and due in {day.date for day in self.days.complete} else due

    @property
    def age(self) -> timedelta | None:
        """The time since the end of the newest complete day; None if no day is complete."""
        return self.now - self.days.complete[-1].end if self.days and self.days.complete else None

    @property
    def is_late(self) -> bool | None:
        """Whether the newest complete day is older than it may be; None if nobody said how old that is."""
        if self.max_age is None and self.expected_by is None:
            return None
        is_old = self.max_age is not None and (self.age is None or self.age > self.max_age)
        return is_old or self.missed_day is not None

    @property
    def is_well(self) -> bool:
        """Whether all that is set up answers, and nothing is late."""
        return not self.is_late and all(service.fault is None for service in self.services.values())


def to_json(state: State) -> str:
    """The state as one object; docs/operating.md says what its keys mean."""
    days, recent = state.days, state.recent
    found = {
        "now": state.now,
        "time_zone": state.time_zone.key,
        "services": {
            name.lower().replace(" ", "_"): {"set_up": bool(service.what), **asdict(service)}
            for name, service in state.services.items()
        },
        "days": days and {name: _ranges(getattr(days, name)) for name in ("complete", "incomplete", "missing")},
        "recent": recent
        and {
            "first": recent.first,
            "last": recent.last,
            **asdict(recent.counts),
            "rejected_by_check": recent.failed("error"),
            "warnings_by_check": recent.failed("warning"),
        },
        "newest_day": state.newest_day,
        "last_runs": [_run(run) for run in state.last_runs],
        "next_run": state.next_run and _run(state.next_run),
        "age_seconds": None if state.age is None else int(state.age.total_seconds()),
        "missed_day": state.missed_day,
        "late": state.is_late,
        "well": state.is_well,
    }
    return pydantic_core.to_json(found, indent=2).decode()


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
    for name, service in state.services.items():
        said = service.what or "not set up"
        yield name, f"FAILED: {said}: {service.fault}" if service.fault else said
    if days := state.days:
        if days.complete or days.incomplete or days.missing:
            yield "days", f"{describe_days(days.complete) or 'none'} complete ({state.time_zone.key})"
            yield "incomplete", describe_days(days.incomplete) or "none"
            yield "missing", describe_days(days.missing) or "none"
        else:
            yield "days", "nothing is loaded yet: run codegrader etl"
    if state.recent:
        yield from _lines_of_records(state.recent)
    yield from state.newest_day.lines() if state.newest_day else ()
    for number, run in enumerate(state.last_runs):
        yield "" if number else "last runs", f"{_moment(run)}  {run.state_name or '':<10} {run.name}"
    if state.next_run:
        at = _start_of(state.next_run)
        yield "next run", _moment(state.next_run) + (", waits for a worker" if at and at < state.now else "")
    if state.missed_day:
        yield "LATE", f"{state.missed_day} is not complete, and was expected by {state.expected_by:%H:%M}"
    if days and state.age is not None:
        said = f"the newest complete day, {days.complete[-1].date}, ended {describe_age(state.age)} ago"
        yield ("LATE" if state.is_late else "age"), said
    elif state.is_late:
        yield "LATE", "no day is known to be complete"


def _lines_of_records(recent: Recent) -> Iterator[tuple[str, str]]:
    counts = recent.counts
    became = f"{counts.fetched:,} fetched, {counts.rejected:,} rejected, {counts.duplicates:,} duplicates"
    yield "records", f"{recent.first} to {recent.last}: {became}"
    for subject, severity in (("rejected", "error"), ("warnings", "warning")):
        if failed := recent.failed(severity):
            yield subject, ", ".join(f"{check}: {rows:,}" for check, rows in failed.items())


def describe_age(age: timedelta) -> str:
    """Such as `3 d 4 h`, `5 h` or `12 min`."""
    minutes = int(age.total_seconds()) // 60
    if minutes < 60:
        return f"{minutes} min"
    days, hours = divmod(minutes // 60, 24)
    return f"{days} d {hours} h" if days else f"{hours} h"


def _moment(run: FlowRun) -> str:
    at = _start_of(run)
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "never started"
