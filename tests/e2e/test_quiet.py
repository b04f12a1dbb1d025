"""What a command shows: what a person waits for, and with `--verbose` the rest."""

import os
import re
import sys

import pytest

from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.fixtures.records import submit
from tests.fixtures.terminal import Terminal
from tests.sandbox.grader import Fault, RecordList
from tests.sandbox.grader.faults import Status

pytestmark = pytest.mark.slow

DAY = "2023-05-31"
WINDOWS = 4


@pytest.fixture
def pipeline(pipelines: Pipelines) -> Pipeline:
    return pipelines.make(RecordList([submit()]))


def shown(pipeline: Pipeline, option: str) -> list[str]:
    output, _ = pipeline.start(DAY, DAY, option).communicate(timeout=240)
    return [line for line in output.splitlines() if not line.startswith("windows loaded: ")]


def test_a_run_is_four_lines_under_a_line_of_progress_that_goes_away_and_verbose_shows_the_rest(
    pipeline: Pipeline,
) -> None:
    command = [sys.executable, "-m", "flows.etl", "--start-date", DAY]
    terminal = Terminal(command, os.environ | pipeline.variables())
    assert terminal.wait(240) == 0
    assert terminal.has_cursor
    text = [line.strip() for line in terminal.text().splitlines() if line.strip()]
    progress = [line for line in text if line.startswith("windows loaded ")]
    assert progress
    assert all(f"/{WINDOWS} " in line for line in progress)
    lines = [line for line in text if line not in progress]
    expected = [
        r"sheet: written to https://docs\.google\.com/.* in [\d.]+ s",
        rf"report: written to {pipeline.home}/reports/{DAY}\.html in [\d.]+ s",
        r"mail: sent; addresses: 1 in [\d.]+ s",
        rf"{DAY}: 1 fetched, .*",
    ]
    assert len(lines) == len(expected), lines
    assert all(map(re.fullmatch, expected, lines)), lines
    # The log file has it all, and so has who asks for it.
    assert pipeline.log().count(" UTC: ") == WINDOWS
    lines = shown(pipeline, "--verbose")
    assert len(lines) > WINDOWS
    assert lines[-1].endswith("(nothing has changed)")


def test_of_a_failure_the_first_window_and_the_outcome_are_shown(pipeline: Pipeline) -> None:
    pipeline.world.grader.faults.append(Fault(Status(403), times=None))
    lines = shown(pipeline, "--no-publish")
    reason = "grader API: it answered HTTP 403: this client may not read the statistics"
    assert re.match(rf"\d/{WINDOWS}: {DAY} \d\d:00 UTC is not loaded: {reason}", lines[0])
    assert lines[-1].startswith(f"{DAY}: extract failed: {reason}")
    assert lines[-1].endswith(f"(missing: {WINDOWS} windows from {DAY} 00:00 UTC)")
    assert len(lines) == 2
