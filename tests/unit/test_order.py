"""In which order windows are loaded."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from flows.running.order import LAST, Hours, hours_of, order
from schemas.period import Window

START = datetime(2023, 4, 1, tzinfo=UTC)


def windows(count: int) -> list[Window]:
    """Windows of a quarter of a day, one after the other."""
    starts = [START + timedelta(hours=6 * number) for number in range(count)]
    return [Window(start, start + timedelta(hours=6)) for start in starts]


SIZES = st.dictionaries(st.sampled_from(sorted({hours_of(window) for window in windows(4)})), st.integers(0, 9))


def test_the_last_windows_come_longest_first_and_all_before_them_in_order() -> None:
    given_order = windows(LAST + 8)
    records = dict(zip(map(hours_of, given_order[:4]), [20, 600, 900, 700], strict=True))
    taken = list(order(given_order, records))
    assert taken[:8] == given_order[:8]
    assert [window.start.hour for window in taken[8:]] == [12] * 4 + [18] * 4 + [6] * 4 + [0] * 4
    assert taken[8:12] == sorted(taken[8:12], key=lambda window: window.start)


def test_what_is_not_known_comes_first_in_order() -> None:
    given_order = windows(4)
    assert list(order(given_order, {})) == given_order
    assert list(order(given_order, {hours_of(given_order[0]): 900})) == [*given_order[1:], given_order[0]]


def test_what_becomes_known_on_the_way_counts() -> None:
    given_order = windows(8)
    records: dict[Hours, float] = {}
    taken = []
    for window in order(given_order, records):
        taken.append(window)
        records[hours_of(window)] = 1000 if window.start.hour == 12 else 1
    assert [window.start.hour for window in taken] == [0, 6, 12, 18, 12, 0, 6, 18]


@given(st.integers(0, LAST + 9), SIZES)
def test_every_window_comes_once(count: int, records: dict[Hours, float]) -> None:
    taken = list(order(windows(count), records))
    assert sorted(taken, key=lambda window: window.start) == windows(count)
