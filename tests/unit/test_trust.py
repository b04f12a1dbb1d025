"""When what was loaded is not to be published, and what is said of it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from flows.backfill import find_failures
from flows.backfilling.chunks import split_into_chunks
from flows.backfilling.dispatch import ChunkLoad
from flows.running.loading import Limits, distrust
from schemas.summary import LoadCounts
from tasks.coverage import Loaded
from tasks.plan import plan_period

LIMITS = Limits(max_rejected_share=0.05, max_duplicates_share=0.05)


@pytest.mark.parametrize("rejected", [5, 6])
@pytest.mark.parametrize("duplicates", [5, 6])
def test_more_than_a_limit_is_told_with_the_numbers_and_the_setting(rejected: int, duplicates: int) -> None:
    counts = LoadCounts(fetched=100, rejected=rejected, duplicates=duplicates)
    reasons = list(distrust(counts, LIMITS))
    assert [setting for setting in LIMITS._fields if any(setting in reason for reason in reasons)] == [
        *["max_rejected_share"] * (rejected > 5),
        *["max_duplicates_share"] * (duplicates > 5),
    ]
    assert all("6 of 100" in reason and "5.0%" in reason for reason in reasons)
    assert list(distrust(counts, Limits(1, 1))) == list(distrust(LoadCounts(), LIMITS)) == []


def test_a_backfill_judges_each_chunk_and_tells_of_each_once() -> None:
    period = plan_period("2023-03-01", "2023-06-30", ZoneInfo("UTC"), datetime(2023, 7, 1, tzinfo=UTC), max_days=None)
    march, april, may, june = split_into_chunks(period, 1)
    many, some = (Loaded(4, LoadCounts(fetched=fetched, duplicates=6), ()) for fetched in (10_000, 100))
    loads = [
        ChunkLoad(march, "skipped", Loaded(0, LoadCounts(), ())),
        # The chunk's own run has failed because of it as well.
        ChunkLoad(april, "failed", some, "checks failed"),
        ChunkLoad(may, "loaded", many),
        ChunkLoad(june, "failed", Loaded(0, LoadCounts(), ()), "", june.days[:2]),
    ]

    failures = list(find_failures(loads, LIMITS))

    assert [failure.stage for failure in failures] == ["load", "checks"]
    assert "2023-06-01 to 2023-06-02" in failures[0].message
    assert failures[1].message.startswith("2023-04-01 to 2023-04-30: 6 of 100 records")
