"""When what was loaded is not to be published, and what is said of it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from flows.backfill import _failures
from flows.backfilling.chunks import split_into_chunks
from flows.backfilling.dispatch import ChunkLoad
from flows.running.trust import Limits, distrust
from schemas.summary import LoadCounts
from tasks.plan import plan_period

LIMITS = Limits(max_rejected_share=0.05, max_duplicates_share=0.05)
REJECTED = (
    "6 of 100 records failed the checks, more than 5.0%: nothing was published; see the table rejected_records, then "
    "mend the source or raise max_rejected_share"
)
DUPLICATES = (
    "6 of 100 records are exact duplicates, more than 5.0%: nothing was published; see whether the API cuts its times "
    "to the second or the minute, which makes attempts look alike, then mend the source or raise max_duplicates_share"
)


@pytest.mark.parametrize(
    ("counts", "reasons"),
    [
        (LoadCounts(), []),
        (LoadCounts(fetched=100, rejected=5, duplicates=5), []),
        (LoadCounts(fetched=100, rejected=6, duplicates=5), [REJECTED]),
        (LoadCounts(fetched=100, rejected=5, duplicates=6), [DUPLICATES]),
        (LoadCounts(fetched=100, rejected=6, duplicates=6), [REJECTED, DUPLICATES]),
    ],
)
def test_more_than_a_limit_is_told_with_what_to_do(counts: LoadCounts, reasons: list[str]) -> None:
    assert list(distrust(counts, LIMITS)) == reasons
    assert list(distrust(counts, Limits(1, 1))) == []


def test_a_backfill_judges_each_chunk_and_tells_of_each_once() -> None:
    period = plan_period("2023-03-01", "2023-05-31", ZoneInfo("UTC"), datetime(2023, 7, 1, tzinfo=UTC), max_days=None)
    loads = [ChunkLoad(chunk, None, outcome="loaded") for chunk in split_into_chunks(period, 1)]
    # The chunk's own run has failed because of it as well.
    loads[1].outcome, loads[1].reason = "failed", "checks failed"
    loads[1].counts = LoadCounts(fetched=100, duplicates=6)
    loads[2].counts = LoadCounts(fetched=10_000, duplicates=6)

    doubts = [(load, reason) for load in loads for reason in distrust(load.counts, LIMITS)]

    assert [failure.message for failure in _failures(loads, doubts)] == [f"2023-04-01 to 2023-04-30: {DUPLICATES}"]
