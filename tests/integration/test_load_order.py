"""Loaders at the same time, and windows in any order: the tables come out the same."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import permutations
from threading import Barrier

import pytest
from sqlalchemy import Engine

from schemas.period import Window
from schemas.record import Record
from schemas.summary import LoadCounts
from tests.faults import fault, faults
from tests.fixtures.records import WINDOW, numbered, passback, record, submit
from tests.integration.loading import column, contents, empty_all, in_pieces, load, moment_of, rows, span, versions

MORNING, NOON = span("2023-05-31 06:00", "2023-05-31 09:00"), span("2023-05-31 09:00", "2023-05-31 12:00")
HOUR = timedelta(hours=1)
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
MIDDLE, ALL = span("2023-05-31 08:00", "2023-05-31 10:00"), WINDOW
# On the boundary of two windows, both of which are answered with them.
BOUNDARY = "2023-05-31 09:00:00.000000"


def day() -> list[Record]:
    """Usual, odd, bad, repeated and contradictory records, before, on and after the boundary."""
    found = numbered(30)
    for moment in ("2023-05-31 06:00:00", "2023-05-31 08:30:00", BOUNDARY, "2023-05-31 11:59:59.999999"):
        found += [
            submit(created_at=moment),
            submit(created_at=moment, is_correct=0),
            record(created_at=moment, passback_params="None"),
            record(created_at=moment, passback_params="None"),
            record(created_at=moment, passback_params=passback(lis_outcome_service_url=...), is_correct=1),
            submit(created_at=moment, is_correct=7, lti_user_id="b"),
            record(created_at=moment, lti_user_id=None),
        ]
    return found


def load_in_order(engine: Engine, pieces: Sequence[tuple[Window, list[Record]]]) -> dict[str, list[str]]:
    empty_all(engine)
    for window, records in pieces:
        load(engine, records, window)
    return contents(engine, "attempts")


def load_together(engine: Engine, pieces: Sequence[tuple[Window, list[Record]]]) -> list[LoadCounts]:
    """As many loaders as windows, all of which begin at the same time."""
    together = Barrier(len(pieces))

    def run(piece: tuple[Window, list[Record]]) -> LoadCounts:
        together.wait()
        return load(engine, piece[1], piece[0])

    with ThreadPoolExecutor(len(pieces)) as pool:
        return list(pool.map(run, pieces))


def rejected_outcome(engine: Engine) -> list[str]:
    return column(engine, "SELECT DISTINCT (record::text, attempt_id, reasons)::text FROM rejected_records ORDER BY 1")


OVERLAPPING = [Window(WINDOW.start + number * timedelta(minutes=30), WINDOW.end) for number in range(8)]


@pytest.mark.parametrize(
    "pieces",
    faults(
        "concurrency",
        "loaded and recorded once, as one after the other would",
        {
            "eight loaders of one window at once, each with another order of its records": [
                [(ALL, random.Random(number).sample(day(), len(day()))) for number in range(8)]
            ],
            "eight loaders of an empty window at once": [[(ALL, [])] * 8],
            "eight loaders of windows that overlap, at once": [in_pieces(day(), OVERLAPPING)],
        },
    ),
)
def test_eight_loaders_at_once_load_what_one_after_the_other_would(
    engine: Engine, pieces: list[tuple[Window, list[Record]]]
) -> None:
    one_by_one = load_in_order(engine, pieces)
    empty_all(engine)
    counts = load_together(engine, pieces)
    assert contents(engine, "attempts") == one_by_one
    assert sum(one.new for one in counts) == len(one_by_one["attempts"])
    assert {one.changed for one in counts} == {0}
    if pieces[0][0] == pieces[-1][0]:
        assert column(engine, "SELECT count(*) FROM loaded_windows") == [1]


@fault("concurrency", "eight loaders of the same windows at once, in opposite orders", "once; no deadlock")
def test_eight_loaders_in_opposite_orders_load_what_one_would(engine: Engine) -> None:
    pieces = in_pieces(day(), [Window(start, start + HOUR) for start in (WINDOW.start + n * HOUR for n in range(6))])
    alone = load_in_order(engine, pieces)
    empty_all(engine)
    together = Barrier(8)

    def run(number: int) -> int:
        new = 0
        for window, records in pieces[:: -1 if number % 2 else 1]:
            together.wait()
            new += load(engine, random.Random(number).sample(records, len(records)), window).new
        return new

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(run, range(8))) == len(alone["attempts"])
    assert contents(engine, "attempts") == alone
    assert column(engine, DEADLOCKS) == [0]


@fault("records", "a record on the boundary of two windows", "loaded once, missing nowhere, in either order")
@pytest.mark.parametrize("earlier", [[], [record(created_at="2023-05-31 10:00:00")]], ids=["empty", "begun"])
def test_a_record_on_the_boundary_is_kept_aside_until_its_own_window_brings_it(
    engine: Engine, earlier: list[Record]
) -> None:
    on_it = record(created_at=BOUNDARY)
    load(engine, earlier, NOON)
    for _ in range(2):
        load(engine, [on_it], MORNING)
        assert column(engine, "SELECT reasons FROM rejected_records") == [["inside the window"]]
    assert len(rows(engine, "SELECT FROM attempts")) == len(earlier)
    assert load(engine, [on_it, *earlier], NOON).new == 1
    assert rows(engine, "SELECT FROM rejected_records") == []
    # The other way round, it is known to be there.
    assert load(engine, [on_it], MORNING).rejected == 1
    assert rows(engine, "SELECT FROM rejected_records") == []
    assert len(rows(engine, "SELECT FROM attempts")) == len(earlier) + 1


@fault("records", "windows in any order, again and again", "the same tables as in order, once")
@pytest.mark.parametrize("order", list(permutations([MORNING, NOON])), ids=["forward", "backward"])
def test_neighbouring_windows_leave_the_same_in_either_order(engine: Engine, order: list[Window]) -> None:
    load_in_order(engine, in_pieces(day(), [MORNING, NOON]))
    expected = contents(engine, "attempts", "rejected_records")
    assert expected["rejected_records"]
    load_in_order(engine, in_pieces(day(), order))
    assert contents(engine, "attempts", "rejected_records") == expected
    # Once more, in the other order: nothing is touched.
    written = versions(engine)
    for window, records in in_pieces(day(), order[::-1]):
        load(engine, records, window)
    assert contents(engine, "attempts", "rejected_records") == expected
    assert versions(engine) == written


@fault("records", "windows that overlap, in every order", "the same attempts")
@fault("records", "runs over ranges that overlap, in any order", "the same attempts")
@pytest.mark.parametrize("order", list(permutations([MORNING, MIDDLE, ALL])))
def test_overlapping_windows_leave_the_same_attempts_in_any_order(engine: Engine, order: list[Window]) -> None:
    covered = [one for one in day() if any(window.start <= moment_of(one) < window.end for window in order)]
    load_in_order(engine, in_pieces(day(), order))
    attempts, rejected = contents(engine, "attempts"), rejected_outcome(engine)
    in_one_go = load_in_order(engine, [(ALL, covered)])
    assert attempts == in_one_go
    # What was rejected inside of a window is rejected, whichever window brought it.
    assert set(rejected_outcome(engine)) <= set(rejected)
