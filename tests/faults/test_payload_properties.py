"""Whatever the API sends, over HTTP and into a real database, in any order and however often: all is accounted for.

The payloads are Hypothesis's. `make stress` tries many more of them than `make test`.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from schemas.period import Window
from schemas.record import Record, identity_of, to_json
from tasks.grader_api import fetch_records, parse_records
from tests.faults import fault
from tests.fixtures.odd_records import windows
from tests.fixtures.records import WINDOW, attempts_of
from tests.integration.loading import column, contents, empty_all, load
from tests.sandbox.grader import Fault, GraderSandbox, RecordList
from tests.sandbox.grader.faults import Dress

# Most payloads of a quick run have few records, so that what fails can be read.
EXAMPLES: Final = [pytest.param(8, 6, id="some"), pytest.param(1000, 25, id="many", marks=pytest.mark.stress)]
HOUR: Final = timedelta(hours=1)
THIRDS: Final = tuple(Window(WINDOW.start + n * HOUR, WINDOW.start + (n + 2) * HOUR) for n in (0, 2, 4))
SPANS: Final = "SELECT (window_start, window_end, fetched, rejected, duplicates)::text FROM loaded_windows ORDER BY 1"


@st.composite
def overlapping(draw: st.DrawFn) -> list[Window]:
    """Windows that may overlap, in any order."""
    ends = st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda hours: hours[0] < hours[1])
    spans = draw(st.lists(ends, min_size=1, max_size=4))
    return [Window(*(WINDOW.start + end * HOUR for end in hours)) for hours in spans]


@fault("records", "any payload, made up", "fetched = loaded + rejected + exact copies; each record is found again")
@fault("records", "windows in any order, again and again", "the same tables as in order, once")
@fault("records", "runs over ranges that overlap, in any order", "the same attempts")
@pytest.mark.parametrize(("examples", "most"), EXAMPLES)
def test_any_payload_in_any_order_is_accounted_for(engine: Engine, examples: int, most: int) -> None:
    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(
        records=windows(most),
        before=st.lists(st.sampled_from(THIRDS), max_size=3),
        last=st.permutations(THIRDS),
        ranges=overlapping(),
        backwards=st.booleans(),
    )
    def holds(
        records: list[Record], before: list[Window], last: list[Window], ranges: list[Window], backwards: bool
    ) -> None:
        def load_all(order: Sequence[Window]) -> dict[str, Any]:
            empty_all(engine)
            for window in order:
                answer: list[Record] = parse_records(
                    fetch_records(grader.url, grader.client, grader.client_key, window)
                )
                counts = load(engine, answer, window)
                assert counts.fetched == len(answer) == counts.loaded + counts.rejected + counts.duplicates
                found = set(column(engine, "SELECT id::text FROM attempts"))
                found |= set(column(engine, "SELECT record_id::text FROM rejected_records"))
                named = [
                    {attempt.id, identity_of(to_json(one))}
                    for one, attempt in zip(answer, attempts_of(answer), strict=True)
                ]
                assert all(found & ids for ids in named)
            return contents(engine, "attempts", "rejected_records") | {"loaded_windows": column(engine, SPANS)}

        grader.faults.clear()
        grader.replace_records(RecordList(records))
        in_order, overlapping_in_order = load_all(THIRDS), load_all(sorted(ranges, key=str))
        # The API may answer in any order.
        grader.faults[:] = [Fault(Dress(lambda body: json.dumps(json.loads(body)[::-1]).encode()), None)] * backwards
        assert load_all([*before, *last]) == in_order
        assert load_all(ranges)["attempts"] == overlapping_in_order["attempts"]

    with GraderSandbox([]) as grader:
        holds()
