"""The command line refuses what cannot be right in one line, before anything is started."""

import pytest

from flows.etl import main


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--start-date", "yesterday"], "start_date 'yesterday' is not a date"),
        (["--start-date", "2023-04-02", "--end-date", "2023-04-01"], "is before start_date"),
        (["--start-date", "2099-04-02"], "is in the future"),
        (["--start-date", "2020-01-01", "--end-date", "2022-01-01"], "more than one run takes (400)"),
        (["--end-date", "2023-02-30"], "end_date '2023-02-30' is not a date"),
    ],
)
def test_dates_that_cannot_be_used(capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str) -> None:
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert expected in output.err
    assert output.err.count("\n") == 1


def test_an_unknown_option_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--begin", "2023-04-01"])
    assert "unrecognized arguments: --begin" in capsys.readouterr().err
