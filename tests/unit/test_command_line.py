"""The commands: what they list, and that they refuse in one line what cannot be right, before anything is started."""

import inspect
import subprocess
import sys
from collections.abc import Callable, Sequence

import pytest
from prefect import Flow

from flows import __main__ as commands
from flows import backfill, etl, report, up

Main = Callable[[Sequence[str]], int]


@pytest.mark.parametrize(
    ("main", "arguments", "expected"),
    [
        (etl.main, "--start-date yesterday", "start_date 'yesterday' "),
        (etl.main, "--start-date 2023-04-02 --end-date 2023-04-01", "before start_date"),
        (etl.main, "--start-date 2099-04-02", "start_date 2099-04-02 is in the future"),
        (etl.main, "--end-date 2099-04-02", "end_date 2099-04-02 is in the future"),
        (etl.main, "--start-date 2020-01-01 --end-date 2022-01-01", "400"),
        (etl.main, "--end-date 2023-02-30", "end_date '2023-02-30' "),
        (etl.main, "--window-hours 0", "window_hours is 0: choose 1 to 24"),
        (etl.main, "--window-hours six", "--window-hours"),
        (etl.main, "--max-rejected-share 20", "max_rejected_share is 20.0: choose 0 to 1"),
        (etl.main, "--max-rejected-share nan", "max_rejected_share is nan: choose 0 to 1"),
        (etl.main, "--lookback-days -1 --heal-days 999", "lookback_days is -1: choose 0 to 90; heal_days is 999"),
        (etl.main, "--begin 2023-04-01", "--begin"),
        (etl.main, "--refesh", "--refresh? See: codegrader etl --help"),
        (etl.main, "2023-04-01", "2023-04-01"),
        (etl.main, "--start-date", "--start-date"),
        (backfill.main, "--chunk-months 99", "chunk_months is 99: choose 1 to 12"),
        (backfill.main, "--max-parallel 0", "max_parallel is 0: choose 1 to 50"),
        (backfill.main, "--start-date 2099-04-02", "is in the future"),
        (backfill.main, "--start-date 1999-04-02", "2000 to 2100"),
        (report.main, "--start-date 2023-02-30", "--start-date"),
        (report.main, "--course PY-101", "--start-date"),
        (commands.main, "elt", "setup, etl"),
    ],
)
def test_what_cannot_be_used_is_refused(
    capsys: pytest.CaptureFixture[str], main: Main, arguments: str, expected: str
) -> None:
    assert main(arguments.split()) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert expected in output.err
    assert output.err.count("\n") == 1


def test_a_port_that_is_no_number_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "abc")
    test_what_cannot_be_used_is_refused(capsys, up.main, "", "PORT")


def test_all_commands_are_listed_a_line_each_without_importing_any() -> None:
    program = "import sys; from flows.__main__ import main; main([]); print('prefect' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[-1] == "False"
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(commands.COMMANDS)


@pytest.mark.parametrize(
    ("main", "flow"), [(etl.main, etl.codegrader_etl), (backfill.main, backfill.codegrader_backfill)]
)
def test_command_line_and_run_form_have_the_same_options(
    capsys: pytest.CaptureFixture[str], main: Main, flow: "Flow[..., object]"
) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    form = flow.parameters.model_dump()["properties"]
    by_position = sorted(form, key=lambda name: form[name]["position"])
    options = [line.split()[0].rstrip(",:") for line in shown.splitlines() if line.startswith("  --")]
    assert options == ["--help", *(f"--{name.replace('_', '-')}" for name in by_position), "--verbose"]
    # Whoever opens either sees the dates first and what only experts need last.
    assert by_position[:3] == ["start_date", "end_date", "refresh"]
    assert by_position[-1].startswith("max_")
    assert by_position == list(inspect.signature(flow.fn).parameters)
    for name in by_position:
        assert " ".join(form[name]["description"].split()[:4]) in " ".join(shown.split())
