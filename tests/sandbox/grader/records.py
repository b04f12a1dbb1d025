"""Where the records come from that the sandbox answers with: a file, a list, or anything that knows windows."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol


class RecordSource(Protocol):
    """Anything that can say what was recorded in a window."""

    def between(self, start: datetime, end: datetime) -> Sequence[object]:
        """Give the records of a window, oldest first.

        Normally they are dictionaries in the shape of the API. They may be anything that `json.dumps` can write,
        so that a test can have the sandbox answer with what no record should be.

        Args:
            start: first moment of the window, UTC.
            end: last moment of the window, UTC; it belongs to the window.
        """
        ...


class RecordList:
    """Records given one by one, in any order and however odd.

    A record whose `created_at` cannot be read has the place of the readable one before it in the list, or of the
    first readable one where none stands before it; without any readable one, every window gets all the records.
    """

    def __init__(self, records: Iterable[object]) -> None:
        listed = list(records)
        times = [_created_at(record) for record in listed]
        place = next((time for time in times if time is not None), None)
        placed: list[tuple[datetime, object]] = []
        for time, record in zip(times, listed, strict=True):
            place = time or place
            if place is not None:
                placed.append((place, record))
        placed.sort(key=lambda pair: pair[0])
        self._times = [time for time, _ in placed]
        self._records = [record for _, record in placed]
        self._timeless = listed if place is None else []

    def between(self, start: datetime, end: datetime) -> Sequence[object]:
        """Give the records of a window, both ends included, oldest first; those of one moment stay in order."""
        first, behind = bisect_left(self._times, start), bisect_right(self._times, end)
        return self._timeless or self._records[first:behind]


class RecordsFile(RecordList):
    """The records of a file that holds one JSON value a line, read once.

    Raises:
        OSError: the file cannot be read.
        ValueError: a line that is not empty holds no JSON; the message names its number.
    """

    def __init__(self, path: Path) -> None:
        records: list[object] = []
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    records.append(json.loads(line))
                except json.JSONDecodeError as error:
                    raise ValueError(f"{path.name}, line {number} is not JSON: {error.msg}") from None
        super().__init__(records)


def _created_at(record: object) -> datetime | None:
    text = record.get("created_at") if isinstance(record, dict) else None
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time
