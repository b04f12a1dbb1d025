"""The chart, as far as a program can see it."""

import io
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from PIL import Image
from PIL.ImageColor import getrgb

from schemas.labels import LABELS
from schemas.summary import DailyFigures
from tasks.chart import ATTEMPTS_COLOUR, NO_DATA_COLOUR, RATE_COLOUR, SUCCESS_COLOUR, USERS_COLOUR, draw_chart
from tests.summaries import make_period, make_summary

RUSSIAN = LABELS["ru"]


def pixels(chart: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.int16]]":
    return np.asarray(Image.open(io.BytesIO(chart)).convert("RGB")).astype(np.int16)


def share_of(chart: bytes, colour: str) -> float:
    """How much of the picture has that colour, or one that the eye cannot tell from it."""
    near = np.abs(pixels(chart) - np.array(getrgb(colour))).max(axis=2) <= 6
    return float(near.mean())


@pytest.mark.parametrize("days", [1, 7, 31, 400])
def test_every_series_is_there_however_long_the_period(days: int) -> None:
    chart = draw_chart(make_summary(days).figures, RUSSIAN)
    assert Image.open(io.BytesIO(chart)).format == "PNG"
    for colour in (ATTEMPTS_COLOUR, SUCCESS_COLOUR, USERS_COLOUR, RATE_COLOUR):
        assert share_of(chart, colour) > 0.00005, colour


def test_a_mail_can_carry_even_the_restless_chart_of_a_year() -> None:
    random = Random(1)
    figures = [
        replace(
            day,
            attempts=random.randrange(10**6),
            unique_users=random.randrange(9000),
            success_rate=random.random(),
            complete=random.random() > 0.3,
        )
        for day in make_summary(400).figures
        if random.random() > 0.2
    ]
    assert len(draw_chart(figures, RUSSIAN)) < 300_000


def test_missing_days_are_a_gap_that_no_line_crosses() -> None:
    chart = draw_chart(make_summary(31, missing=range(10, 20)).figures, RUSSIAN)
    picture = pixels(chart)
    grey = np.abs(picture - np.array(getrgb(NO_DATA_COLOUR))).max(axis=2) <= 3
    columns = np.flatnonzero(grey.mean(axis=0) > 0.5)
    assert columns.size > 200
    inside = picture[:, columns[5] : columns[-5]]
    for colour in (ATTEMPTS_COLOUR, SUCCESS_COLOUR, USERS_COLOUR, RATE_COLOUR):
        below_the_key = inside[100:]
        assert not (np.abs(below_the_key - np.array(getrgb(colour))).max(axis=2) <= 30).any(), colour


def test_days_missing_at_the_ends_show_as_well() -> None:
    figures = make_summary(7, missing=(0, 6)).figures
    days = [day.date for day in make_period(7).days]
    assert share_of(draw_chart(figures, RUSSIAN, days), NO_DATA_COLOUR) > 0.1
    assert share_of(draw_chart(figures, RUSSIAN), NO_DATA_COLOUR) < 0.01


def test_an_incomplete_day_looks_different() -> None:
    whole, partial = (draw_chart(make_summary(3, incomplete=days).figures, RUSSIAN) for days in ((), (2,)))
    assert share_of(partial, ATTEMPTS_COLOUR) < share_of(whole, ATTEMPTS_COLOUR)


@pytest.mark.parametrize("days", [(), make_period(3).days])
def test_no_figures_give_a_picture_that_says_so(days: Sequence[object]) -> None:
    chart = draw_chart((), RUSSIAN, [day.date for day in make_period(3).days] if days else ())
    assert share_of(chart, "#333333") > 0
    assert share_of(chart, ATTEMPTS_COLOUR) == 0


def test_days_without_attempts_or_submits_can_be_drawn() -> None:
    empty = DailyFigures(make_period(1).first_day, 0, 0, 0, 0, 0, None, complete=True)
    assert share_of(draw_chart([empty], RUSSIAN), "white") > 0.9


def test_threads_draw_at_once_without_global_state() -> None:
    figures = make_summary(7).figures
    with ThreadPoolExecutor(4) as threads:
        charts = set(threads.map(lambda _: draw_chart(figures, RUSSIAN), range(8)))
    assert charts == {draw_chart(figures, RUSSIAN)}
    assert "matplotlib.pyplot" not in sys.modules
