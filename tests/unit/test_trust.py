"""When what was loaded is not to be published, and what is said of it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from flows.backfill import find_failures
from flows.backfilling.chunks import split_into_chunks
from flows.backfilling.dispatch import ChunkLoad
from flows.running.trust import Limits, distrust
from schemas.summary import LoadCounts
from tasks.plan import plan_period

LIMITS = Limits(max_rejected_share=0.05, max_duplicates_share=0.05)


@pytest.mark.parametrize(
    ("counts", "settings"),
    [
        (LoadCounts(), []),
        (LoadCounts(fetched=100, rejected=5, duplicates=5), []),
        (LoadCounts(fetched=100, rejected=6, duplicates=5), ["max_rejected_share"]),
        (LoadCounts(fetched=100, rejected=5, duplicates=6), ["max_duplicates_share"]),
        (LoadCounts(fetched=100, rejected=6, duplicates=6), ["max_rejected_share", "max_duplicates_share"]),
    ],
)
def test_more_than_a_limit_is_told_with_the_numbers_and_the_setting(counts: LoadCounts, settings: list[str]) -> None:
    reasons = list(distrust(counts, LIMITS))
    assert len(reasons) == len(settings)
    for reason, setting in zip(reasons, settings, strict=True):
        assert reason.startswith("6 of 100 records")
        assert "5.0%" in reason
        assert setting in reason
    assert list(distrust(counts, Limits(1, 1))) == []


def test_a_backfill_judges_each_chunk_and_tells_of_each_once() -> None:
    period = plan_period("2023-03-01", "2023-06-30", ZoneInfo("UTC"), datetime(2023, 7, 1, tzinfo=UTC), max_days=None)
    loads = [ChunkLoad(chunk, None, outcome="loaded") for chunk in split_into_chunks(period, 1)]
    # The chunk's own run has failed because of it as well.
    loads[1].outcome, loads[1].reason = "failed", "checks failed"
    loads[1].counts = LoadCounts(fetched=100, duplicates=6)
    loads[2].counts = LoadCounts(fetched=10_000, duplicates=6)
    loads[3].outcome, loads[3].missing = "failed", loads[3].chunk.days[:2]

    failures = list(find_failures(loads, LIMITS))

    assert [failure.stage for failure in failures] == ["load", "checks"]
    assert "2023-06-01 to 2023-06-02" in failures[0].message
    assert failures[1].message.startswith("2023-04-01 to 2023-04-30: 6 of 100 records")
