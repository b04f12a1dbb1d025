"""What a command shows: what a person waits for, and with `--verbose` the rest."""

import re

import pytest

from tests.fixtures.pipelines import Pipeline, Pipelines
from tests.fixtures.terminal import flow_in_terminal
from tests.sandbox.grader import Fault, SyntheticRecords
from tests.sandbox.grader.faults import Status

pytestmark = pytest.mark.slow

DAYS = ("2023-04-01", "2023-04-02")
WINDOWS = 8


def shown(pipeline: Pipeline, *options: str) -> list[str]:
    output, _ = pipeline.start(*DAYS, *options).communicate(timeout=240)
    return [line for line in output.splitlines() if not line.startswith("windows loaded: ")]


def test_a_run_is_four_lines_and_so_is_a_run_that_changes_nothing(pipelines: Pipelines) -> None:
    pipeline = pipelines.make(SyntheticRecords())
    expected = [
        r"sheet: history written to https://docs\.google\.com/.* in [\d.]+ s",
        rf"report: written to {pipeline.home}/reports/2023-04-01_2023-04-02\.html in [\d.]+ s",
        r"mail: sent; addresses: 1 in [\d.]+ s",
        r"2023-04-01 to 2023-04-02: \d,\d{3} fetched, .*",
    ]
    for _ in range(2):
        lines = shown(pipeline)
        assert len(lines) == len(expected), lines
        assert all(map(re.fullmatch, expected, lines)), lines
    assert lines[-1].endswith("(nothing has changed)")
    # The log file has it all, and so has who asks for it.
    assert pipeline.log().count(" UTC: ") == 2 * WINDOWS
    assert len(shown(pipeline, "--verbose")) > WINDOWS


def test_of_a_failure_the_first_window_and_the_outcome_are_shown(pipelines: Pipelines) -> None:
    pipeline = pipelines.make(SyntheticRecords())
    pipeline.world.grader.faults.append(Fault(Status(403), times=None))
    lines = shown(pipeline, "--no-publish")
    reason = "grader API: it answered HTTP 403: this client may not read the statistics"
    assert re.match(rf"\d+/{WINDOWS}: 2023-04-\d\d \d\d:00 UTC is not loaded: {reason}", lines[0])
    assert lines[-1].startswith(f"2023-04-01 to 2023-04-02: extract failed: {reason}")
    assert lines[-1].endswith(f"(missing: {WINDOWS} windows from 2023-04-01 00:00 UTC)")
    assert len(lines) == 2


def test_in_a_terminal_progress_is_one_line_that_goes_away(pipelines: Pipelines) -> None:
    pipeline = pipelines.make(SyntheticRecords())
    terminal = flow_in_terminal(pipeline, "--start-date", DAYS[0], "--end-date", DAYS[1])
    assert terminal.wait(240) == 0
    assert terminal.has_cursor
    text = terminal.text()
    assert "windows loaded" in text
    assert f"/{WINDOWS}" in text
    assert text.rstrip().splitlines()[-1].startswith("2023-04-01 to 2023-04-02: ")
