"""What `codegrader status` makes of what it finds: days, ages, text and JSON."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.objects import State as RunState
from prefect.states import Completed, Scheduled

from flows.looking.newest_day import NewestDay
from flows.looking.state import Recent, Service, State, describe_age, to_json, to_text
from flows.status import main
from schemas.section import Headline
from schemas.summary import CheckResult, LoadCounts
from tasks.coverage import LoadedDays, Span, sort_days

NOW = datetime(2023, 4, 11, 9, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


def span(start: str, end: str) -> Span:
    return (datetime.fromisoformat(start).replace(tzinfo=UTC), datetime.fromisoformat(end).replace(tzinfo=UTC))


SPANS = (
    span("2023-04-01", "2023-04-03"),
    span("2023-04-05", "2023-04-05T18:00"),
    span("2023-04-07", "2023-04-11T06:00"),
)


def dates(days: LoadedDays) -> list[list[int]]:
    return [[day.date.day for day in group] for group in (days.complete, days.incomplete, days.missing)]


def run(name: str, state: "RunState[object]", at: datetime) -> FlowRun:
    return FlowRun(
        flow_id=uuid4(), name=name, state=state, state_type=state.type, state_name=state.name, expected_start_time=at
    )


def state_of(spans: Sequence[Span] = SPANS, max_age: timedelta | None = None, **services: Service) -> State:
    days = sort_days(spans, UTC_ZONE, NOW)
    everything = {"database": Service("embedded PostgreSQL in /home"), "mail": Service(), **services}
    counts = LoadCounts(fetched=1500, new=1490, rejected=7, duplicates=3, warnings=2)
    checks = (CheckResult("allowed verdicts", "error", 7), CheckResult("duplicate rows", "warning", 3))
    recent = Recent(days.complete[0].date, days.complete[-1].date, counts, checks) if spans else None
    runs = [run("2023-04-10", Completed(), NOW - timedelta(hours=6))]
    newest = NewestDay(days.complete[-1].date, {}, (), (Headline("12 attempts"),)) if spans else None
    scheduled = run("daily", Scheduled(), NOW)
    return State(NOW, UTC_ZONE, everything, days, recent, max_age, runs, scheduled, newest_day=newest)


def test_days_are_complete_incomplete_or_missing_by_the_reporting_time_zone() -> None:
    """The present one is none of them; where nothing is loaded, no day is missing."""
    moscow = ZoneInfo("Europe/Moscow")
    assert dates(sort_days(SPANS, UTC_ZONE, NOW)) == [[1, 2, 7, 8, 9, 10], [5], [3, 4, 6]]
    # The third there ends at 21:00 UTC, and the first began the evening before, when nothing was loaded.
    assert dates(sort_days(SPANS[:1], moscow, span("2023-04-04", "2023-04-04")[0])) == [[2], [1, 3], []]
    assert sort_days((), UTC_ZONE, NOW) == LoadedDays((), (), ())


@pytest.mark.parametrize("text", ["26", "h", "0h", "-1h", "26H", "26 h", "", "999999999999d"])
def test_what_is_no_age_is_refused_before_anything_is_looked_at(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"--max-age={text}"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "--max-age" in output.err
    assert output.err.count("\n") == 1


def test_the_age_is_the_time_since_the_newest_complete_day_ended() -> None:
    # The tenth is complete and ended nine hours ago; that the eleventh is loaded in part makes it no newer.
    assert json.loads(to_json(state_of()))["age_seconds"] == 9 * 3600
    assert not state_of(max_age=timedelta(hours=9)).is_late
    late = state_of(max_age=timedelta(hours=8, minutes=59))
    assert late.is_late
    assert not late.is_well
    assert "LATE            the newest complete day, 2023-04-10, ended 9 h ago" in to_text(late)


def test_it_is_late_where_nothing_is_loaded_or_nothing_can_be_asked() -> None:
    nothing = state_of((), timedelta(hours=26))
    unknown = replace(nothing, days=None)
    assert nothing.is_late
    assert unknown.is_late
    assert "LATE  " in to_text(unknown)
    assert "nothing is loaded yet" in to_text(nothing)
    assert state_of(()).is_late is None


def test_what_does_not_answer_is_not_well_and_named_and_a_run_may_wait_for_a_worker() -> None:
    state = state_of(mail=Service("smtp.example:587", "cannot be reached"))
    assert not state.is_well
    assert state_of().is_well
    waiting = replace(state, next_run=run("daily", Scheduled(), NOW - timedelta(minutes=5)))
    assert "mail            FAILED: smtp.example:587: cannot be reached" in to_text(waiting)
    assert "next run        2023-04-11 08:55 UTC, waits for a worker" in to_text(waiting)


def test_the_text() -> None:
    assert to_text(state_of()).splitlines() == [
        "database        embedded PostgreSQL in /home",
        "mail            not set up",
        "days            2023-04-01 to 2023-04-02, 2023-04-07 to 2023-04-10 complete (UTC)",
        "incomplete      2023-04-05",
        "missing         2023-04-03 to 2023-04-04, 2023-04-06",
        "records         2023-04-01 to 2023-04-10: 1,500 fetched, 7 rejected, 3 duplicates",
        "rejected        allowed verdicts: 7",
        "warnings        duplicate rows: 3",
        "newest day      2023-04-10: 12 attempts",
        "last runs       2023-04-11 03:00 UTC  Completed  2023-04-10",
        "next run        2023-04-11 09:00 UTC",
        "age             the newest complete day, 2023-04-10, ended 9 h ago",
    ]


def test_the_json_also_where_nothing_is_known() -> None:
    found = json.loads(to_json(state_of(max_age=timedelta(days=2))))
    assert found["services"]["database"] == {"set_up": True, "what": "embedded PostgreSQL in /home", "fault": None}
    assert found["services"]["mail"] == {"set_up": False, "what": None, "fault": None}
    assert [(each["first"], each["last"]) for each in found["days"]["missing"]] == [
        ("2023-04-03", "2023-04-04"),
        ("2023-04-06", "2023-04-06"),
    ]
    assert set(found["days"]) == {"complete", "incomplete", "missing"}
    assert found["recent"]["rejected_by_check"] == {"allowed verdicts": 7}
    assert found["recent"]["duplicates"] == 3
    assert found["last_runs"] == [{"name": "2023-04-10", "state": "Completed", "at": "2023-04-11T03:00:00Z"}]
    said = {"text": "12 attempts", "urgency": "news", "short": "", "url": None, "section": ""}
    assert found["newest_day"]["headlines"] == [said]
    assert (found["late"], found["well"], found["time_zone"]) == (False, True, "UTC")

    assert set(json.loads(to_json(replace(state_of(()), days=None, last_runs=[], next_run=None)))) == set(found)


def test_an_age_is_told_in_two_units_at_most() -> None:
    ages = [timedelta(seconds=59), timedelta(minutes=59), timedelta(hours=23, minutes=59), timedelta(hours=76)]
    assert [describe_age(age) for age in ages] == ["0 min", "59 min", "23 h", "3 d 4 h"]


@pytest.mark.parametrize(
    ("moment", "complete_until", "missed"),
    [
        ("2023-04-11 05:59", "2023-04-10", None),
        ("2023-04-11 06:00", "2023-04-10", "2023-04-10"),
        ("2023-04-11 06:00", "2023-04-11", None),
        ("2023-04-11 05:59", "2023-04-09", "2023-04-09"),
        ("2023-04-11 06:00", None, "2023-04-10"),
    ],
)
def test_a_day_is_late_once_its_deadline_has_passed(
    moment: str, complete_until: str | None, missed: str | None
) -> None:
    """The deadline is that of the reporting time zone, three hours ahead of UTC."""
    moscow = ZoneInfo("Europe/Moscow")
    now = datetime.fromisoformat(moment).replace(tzinfo=moscow)
    until = complete_until and datetime.fromisoformat(complete_until).replace(tzinfo=moscow)
    spans = ((datetime(2023, 4, 1, tzinfo=moscow), until),) if until else ()
    state = replace(
        state_of(), now=now, time_zone=moscow, days=sort_days(spans, moscow, now), expected_by=time(6), max_age=None
    )
    assert (state.missed_day and str(state.missed_day)) == missed
    assert state.is_well == (missed is None)
    assert ("LATE" in to_text(state)) == (missed is not None)
    assert replace(state, expected_by=None).is_late is None
