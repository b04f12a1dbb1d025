"""Trust: whether what was loaded is fit to be published, or too much of it was rejected or is there twice."""

from collections.abc import Iterator
from typing import NamedTuple

from schemas.summary import LoadCounts


class Limits(NamedTuple):
    """Above which shares of the records, from 0 to 1, nothing is published; named as the flows' parameters."""

    max_rejected_share: float
    max_duplicates_share: float


def distrust(counts: LoadCounts, limits: Limits) -> Iterator[str]:
    """Why these records are not to be published, and what to do, a line for each reason; none where they are."""
    if counts.rejected > limits.max_rejected_share * counts.fetched:
        yield (
            f"{counts.rejected:,} of {counts.fetched:,} records failed the checks, more than "
            f"{limits.max_rejected_share:.1%}: nothing was published; see the table rejected_records, then mend the "
            "source or raise max_rejected_share"
        )
    if counts.duplicates > limits.max_duplicates_share * counts.fetched:
        yield (
            f"{counts.duplicates:,} of {counts.fetched:,} records are exact duplicates, more than "
            f"{limits.max_duplicates_share:.1%}: nothing was published; see whether the API cuts its times to the "
            "second or the minute, which makes attempts look alike, then mend the source or raise max_duplicates_share"
        )
