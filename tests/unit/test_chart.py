"""The chart, as far as a program can see it."""

import io
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import cache
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.ImageColor import getrgb

from tasks.chart import BAR_COLOURS, DPI, LINES, NO_DATA_COLOUR, TEXT_PT, draw_chart
from tasks.figures import DayFigures
from tests.fixtures.summaries import day_figures, make_period, make_summary

SERIES = (*BAR_COLOURS, *(colour for colour, _ in LINES))


def chart(days: int, **more: Any) -> bytes:
    return draw_chart(make_summary(days, **more).sections[0], "ru")


@cache
def a_week() -> bytes:
    return chart(7)


@cache
def pixels(picture: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.int16]]":
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(np.int16)


def share_of(picture: bytes, colour: str) -> float:
    """How much of the picture has that colour, or one that the eye cannot tell from it."""
    near = np.abs(pixels(picture) - np.array(getrgb(colour))).max(axis=2) <= 6
    return float(near.mean())


@pytest.mark.parametrize("days", [1, 31, 400])
def test_every_series_is_there_however_long_the_period(days: int) -> None:
    picture = chart(days)
    assert Image.open(io.BytesIO(picture)).format == "PNG"
    for colour in SERIES:
        assert share_of(picture, colour) > 0.00005, colour


def test_a_mail_can_carry_even_the_restless_chart_of_a_year() -> None:
    random = Random(1)

    def restless(day: date) -> DayFigures:
        attempts, users, rate = random.randrange(10**6), random.randrange(9000), random.random()
        return day_figures(day, attempts, 0, users, 0, 0, rate, complete=random.random() > 0.3)

    figures = [restless(day.date) for day in make_period(400).days if random.random() > 0.2]
    assert len(chart(400, figures=figures)) < 300_000


def test_missing_days_are_a_gap_that_no_line_crosses() -> None:
    picture = pixels(chart(31, missing=range(10, 20)))
    grey = np.abs(picture - np.array(getrgb(NO_DATA_COLOUR))).max(axis=2) <= 3
    columns = np.flatnonzero(grey.mean(axis=0) > 0.5)
    assert columns.size > 200
    inside = picture[:, columns[5] : columns[-5]]
    for colour in SERIES:
        below_the_key = inside[100:]
        assert not (np.abs(below_the_key - np.array(getrgb(colour))).max(axis=2) <= 30).any(), colour


def test_its_texts_can_be_read_on_a_phone() -> None:
    shown = 340 / Image.open(io.BytesIO(a_week())).width
    assert TEXT_PT / 72 * DPI * shown >= 11


@pytest.mark.parametrize("missing", [(0, 6), (3,)])
def test_days_missing_or_incomplete_look_different(missing: Sequence[int]) -> None:
    assert share_of(chart(7, missing=missing), NO_DATA_COLOUR) > 0.05
    assert share_of(a_week(), NO_DATA_COLOUR) < 0.01
    assert share_of(chart(7, incomplete=missing), BAR_COLOURS[0]) < share_of(a_week(), BAR_COLOURS[0])


def test_days_without_attempts_or_submits_can_be_drawn() -> None:
    empty = day_figures(make_period(1).first_day, 0, 0, 0, 0, 0, None)
    assert share_of(chart(1, figures=[empty]), "white") > 0.9


def test_threads_draw_at_once_without_global_state() -> None:
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(lambda _: chart(7), range(4))) == {a_week()}
    assert "matplotlib.pyplot" not in sys.modules
