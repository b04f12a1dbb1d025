"""Whatever the API sends, over HTTP and into a real database, in any order, however often: all of it is accounted for.

The payloads are Hypothesis's. `make stress` tries many more of them than `make test`.
"""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from schemas.period import Window
from schemas.record import Record, parse_records, record_identity, to_json
from tasks.grader_api import fetch_records
from tests.faults import fault
from tests.integration.loading import column, contents, empty_all, load, versions
from tests.odd_records import windows
from tests.records import WINDOW, attempts_of
from tests.sandbox.grader import Fault, GraderSandbox, RecordList
from tests.sandbox.grader.fault_kinds import Dress, Status

# Most payloads of a quick run have few records, so that what fails can be read.
EXAMPLES: Final = [
    pytest.param(8, 6, id="some"),
    pytest.param(1000, 25, id="many", marks=pytest.mark.stress),
]
GZIP: Final = {"Content-Encoding": "gzip"}
THIRD: Final = (WINDOW.end - WINDOW.start) / 3
PARTS: Final = tuple(Window(WINDOW.start + number * THIRD, WINDOW.start + (number + 1) * THIRD) for number in range(3))
LOADED: Final = ("attempts", "rejected_records")
Property = Callable[[Callable[..., None]], Callable[[], None]]


def as_utf8(records: list[Record]) -> bytes:
    """Not escaped; half characters become bytes that are no UTF-8."""
    return json.dumps(records, ensure_ascii=False).encode("utf-8", "surrogatepass")


def with_raw_controls(records: list[Record]) -> bytes:
    """Line breaks and tabs in texts as they are, which JSON does not allow."""
    escaped = json.dumps(records, ensure_ascii=False, separators=(",", ":"))
    return escaped.replace("\\\\", "/").replace("\\n", "\n").replace("\\t", "\t").encode("utf-8", "surrogatepass")


def with_keys_twice(records: list[Record]) -> bytes:
    """Each record begins with a key that comes again."""
    return ("[" + ",".join('{"remark":1,"remark":2,"x":' + json.dumps(one) + "}" for one in records) + "]").encode()


WAYS: Final[tuple[Callable[[list[Record]], bytes], ...]] = (
    lambda records: json.dumps(records).encode(),
    lambda records: b"\xef\xbb\xbf\r\n" + json.dumps(records, indent=1).encode(),
    as_utf8,
    with_raw_controls,
    with_keys_twice,
)


@dataclass
class Tried:
    """How much a property was tried on, for the report."""

    property: Callable[[str, object], None]
    capsys: pytest.CaptureFixture[str]
    counts: Counter[str]

    def say(self, what: str) -> None:
        """Puts it into the test's report, and on the screen."""
        figures = ", ".join(f"{number:,} {name}" for name, number in sorted(self.counts.items()))
        self.property("tried", figures)
        with self.capsys.disabled():
            print(f"\n{what}: {figures}")


@pytest.fixture
def tried(record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]) -> Tried:
    return Tried(record_property, capsys, Counter())


@pytest.fixture(scope="module")
def grader() -> Iterator[GraderSandbox]:
    with GraderSandbox([]) as grader:
        yield grader


def trying(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """So many examples; that the database is shared by them is intended."""
    return settings(max_examples=examples, suppress_health_check=list(HealthCheck))


def fetch(grader: GraderSandbox, window: Window = WINDOW) -> list[Record]:
    """What the API answers, as the pipeline reads it."""
    answer: list[Record] = parse_records(fetch_records(grader.url, grader.client, grader.client_key, window))
    return answer


def assert_each_is_found(engine: Engine, records: list[Record]) -> None:
    """Each record is an attempt or among the rejected; nothing else is in the tables."""
    attempts = {str(one) for one in column(engine, "SELECT id FROM attempts")}
    rejected = {str(one) for one in column(engine, "SELECT record_id FROM rejected_records")}
    sent = {one.id for one in attempts_of(records)}
    named = {record_identity(to_json(one)) for one in records}
    assert attempts <= sent
    assert rejected <= named
    for one, attempt in zip(records, attempts_of(records), strict=True):
        assert attempt.id in attempts or record_identity(to_json(one)) in rejected


@fault("records", "any payload, made up", "fetched = loaded + rejected + exact copies; a second run changes nothing")
@pytest.mark.parametrize(("examples", "most"), EXAMPLES)
def test_every_record_of_any_payload_is_accounted_for(
    grader: GraderSandbox, engine: Engine, tried: Tried, examples: int, most: int
) -> None:
    @trying(examples)
    @given(records=windows(most), write=st.sampled_from(WAYS), packed=st.booleans(), data=st.data())
    def holds(records: list[Record], write: Callable[[list[Record]], bytes], packed: bool, data: st.DataObject) -> None:
        body = write(records)
        grader.faults[:] = [Fault(Status(200, gzip.compress(body, 1), GZIP) if packed else Status(200, body))]
        fetched = fetch(grader)
        empty_all(engine)

        counts = load(engine, fetched)

        assert counts.fetched == len(records) == len(fetched)
        assert counts.fetched == counts.new + counts.rejected + counts.duplicates
        assert_each_is_found(engine, fetched)
        kept, written = contents(engine, *LOADED), versions(engine)
        again = load(engine, data.draw(st.permutations(fetched)))
        assert (again.new, again.changed, again.rejected) == (0, 0, counts.rejected)
        assert (contents(engine, *LOADED), versions(engine)) == (kept, written)
        tried.counts.update({"payloads": 1, "records": len(records), "rejected": counts.rejected})

    holds()
    tried.say("accounted for")
    assert tried.counts["rejected"]


@fault("records", "windows in any order, again and again", "the same tables as in order, once")
@pytest.mark.parametrize(("examples", "most"), EXAMPLES)
def test_the_order_of_windows_and_runs_never_matters(
    grader: GraderSandbox, engine: Engine, tried: Tried, examples: int, most: int
) -> None:
    def load_all(order: list[Window]) -> dict[str, Any]:
        empty_all(engine)
        for window in order:
            load(engine, fetch(grader, window), window)
        spans = "SELECT (window_start, window_end, fetched, rejected, duplicates)::text FROM loaded_windows ORDER BY 1"
        return contents(engine, *LOADED) | {"loaded_windows": column(engine, spans)}

    @trying(examples)
    @given(
        records=windows(most),
        before=st.lists(st.sampled_from(PARTS), max_size=3),
        last=st.permutations(PARTS),
        backwards=st.booleans(),
    )
    def holds(records: list[Record], before: list[Window], last: list[Window], backwards: bool) -> None:
        grader.faults.clear()
        grader.replace_records(RecordList(records))
        in_order = load_all(list(PARTS))
        # The API may answer in any order.
        grader.faults[:] = [Fault(Dress(in_reverse), times=None)] if backwards else []
        assert load_all([*before, *last]) == in_order
        tried.counts.update({"payloads": 1, "records": len(records), "loads": 3 + len(before) + len(last)})

    holds()
    tried.say("windows in any order")
    assert tried.counts["records"]


def in_reverse(body: bytes) -> bytes:
    """An answer, last record first."""
    return json.dumps(json.loads(body)[::-1]).encode()


@st.composite
def overlapping(draw: st.DrawFn) -> list[Window]:
    """Windows that may overlap, in any order."""
    hours = st.integers(0, 6)
    spans = draw(st.lists(st.tuples(hours, hours).filter(lambda ends: ends[0] < ends[1]), min_size=1, max_size=4))
    return [Window(*(WINDOW.start + timedelta(hours=end) for end in ends)) for ends in spans]


@fault("records", "runs over ranges that overlap, in any order", "the same attempts")
@pytest.mark.parametrize(("examples", "most"), EXAMPLES)
def test_the_order_of_overlapping_ranges_never_matters(
    grader: GraderSandbox, engine: Engine, tried: Tried, examples: int, most: int
) -> None:
    @trying(examples)
    @given(records=windows(most), ranges=overlapping(), data=st.data())
    def holds(records: list[Record], ranges: list[Window], data: st.DataObject) -> None:
        grader.faults.clear()
        grader.replace_records(RecordList(records))
        outcomes = []
        for order in (sorted(ranges, key=str), data.draw(st.permutations(ranges))):
            empty_all(engine)
            for window in order:
                load(engine, fetch(grader, window), window)
            outcomes.append(contents(engine, "attempts"))
        assert outcomes[0] == outcomes[1]
        tried.counts.update({"payloads": 1, "records": len(records), "loads": 2 * len(ranges)})

    holds()
    tried.say("overlapping ranges in any order")
    assert tried.counts["records"]
