"""The log files and the filter before every log: on a real run, from several processes, over midnight."""

import io
import json
import logging
import multiprocessing
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, quote_plus
from uuid import UUID

import pytest

from flows.running.daily_log import DailyFileHandler, local_now
from flows.running.logs import RunLogFilter, start_logging
from tasks.errors import InvalidInputError, PermanentError, TransientError
from tests.faults import fault

SECRET = "K3y/of+the gräder's"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d \| [A-Z]+ *\| \d+ \| .+ \| \S+ \| .*")
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def _handlers() -> list[logging.Handler]:
    loggers = [logging.getLogger(), *map(logging.getLogger, ("prefect.flow_runs", "tasks", "flows", "schemas"))]
    return [handler for logger in loggers for handler in logger.handlers]


def _stop_logging() -> None:
    root = logging.getLogger()
    for handler in _handlers():
        for one in [one for one in handler.filters if isinstance(one, RunLogFilter)]:
            handler.removeFilter(one)
        if isinstance(handler, DailyFileHandler):
            root.removeHandler(handler)
            handler.close()


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    yield
    _stop_logging()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


def _text(folder: Path) -> str:
    """All that was logged, the oldest first, as whoever reads it byte by byte would find it."""
    by_age = sorted(folder.glob("*.log*"), key=lambda path: (path.name[:10], -int(path.suffix[1:].replace("log", "0"))))
    return "".join(path.read_bytes().decode() for path in by_age)


def _raise(error: Exception) -> None:
    raise error


def _record(message: str) -> logging.LogRecord:
    return logging.LogRecord("tasks.sample", logging.INFO, __file__, 1, message, (), None)


# --- a real run


@dataclass(frozen=True)
class Shown:
    """What one and the same runs left in the three places."""

    file: str
    console: str
    page: str

    def lines(self, part: str) -> list[str]:
        return [line for line in self.file.splitlines() if part in line]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """Runs a flow that logs secrets and fails in every way, and one that cannot write its log."""
    from prefect import flow, get_run_logger, task
    from prefect.logging.handlers import PrefectConsoleHandler
    from prefect.testing.utilities import prefect_test_harness

    folder = tmp_path_factory.mktemp("run") / "logs"
    url = f"https://grader.example/api?client_key={quote(SECRET, safe='')}&start=2023-04-01"

    @task(task_run_name="speak 06:00")
    def speak() -> None:
        get_run_logger().info("a task's line, asking %s", url)
        logging.getLogger("tasks.sample").info("our own line, with %r", {"key": SECRET})
        logging.getLogger("tasks.sample").debug("a line of no interest")

    @task(retries=1, retry_delay_seconds=0)
    def refuse() -> None:
        raise TransientError(f"the grader's key {SECRET} was refused: correct GRADER_CLIENT_KEY")

    @task
    def break_down() -> None:
        raise ValueError(f"unexpected, at {url}")

    @flow(name="sample", flow_run_name="sample run")
    def sample() -> None:
        start_logging(folder, [SECRET])
        get_run_logger().info("the flow's line")
        speak()
        refuse(return_state=True)
        break_down(return_state=True)
        raise PermanentError("the sheet is gone: share it again")

    @flow(name="unwritable")
    def unwritable() -> None:
        start_logging(Path(__file__) / "logs", [SECRET])

    (console,) = (handler for handler in logging.getLogger().handlers if isinstance(handler, PrefectConsoleHandler))
    printed, before = io.StringIO(), console.console.file
    console.console.file = printed
    try:
        with prefect_test_harness(server_startup_timeout=180):
            runs = [sample(return_state=True), unwritable(return_state=True)]
            page = "\n".join(_page(run.state_details.flow_run_id) for run in runs)
        yield Shown(_text(folder), printed.getvalue(), page)
    finally:
        console.console.file = before


def _page(flow_run_id: UUID | None) -> str:
    """What the server shows of a run, once it has its last line."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId

    assert flow_run_id
    of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run_id]))
    with get_client(sync_client=True) as client:
        for _ in range(60):
            text = "\n".join(log.message for log in client.read_logs(of_run, limit=200, offset=0))
            if "Finished in state Failed" in text:
                return text
            time.sleep(0.5)
    pytest.fail(f"the last line never came, only: {text}")


@pytest.mark.slow
class TestRun:
    def test_lines_of_flow_task_and_own_modules_reach_the_file(self, shown: Shown) -> None:
        (flow_line,) = shown.lines("the flow's line")
        (task_line,) = shown.lines("a task's line")
        (own_line,) = shown.lines("our own line")
        assert " | sample run | prefect.flow_runs | " in flow_line
        assert " | sample run / speak 06:00 | prefect.task_runs | " in task_line
        assert " | sample run / speak 06:00 | tasks.sample | " in own_line
        assert all(LINE.fullmatch(line) for line in (flow_line, task_line, own_line))
        assert not shown.lines("a line of no interest"), "Prefect's level is INFO"

    def test_own_lines_are_shown_everywhere(self, shown: Shown) -> None:
        assert "our own line" in shown.console
        assert "our own line" in shown.page

    @fault(
        "secrets",
        "a secret is in an address, an error or a traceback",
        "`***` in its place, in the file, on the console and on the run's page",
    )
    @pytest.mark.parametrize("place", ["file", "console", "page"])
    def test_no_place_shows_a_secret(self, shown: Shown, place: str) -> None:
        text = getattr(shown, place)
        assert "our own line, with {'key': \"***\"}" in text
        assert "client_key=***&start=2023-04-01" in text
        assert "the grader's key *** was refused" in text
        for form in (SECRET, repr(SECRET)[1:-1], quote(SECRET, safe=""), quote_plus(SECRET), "gräder"):
            assert form not in text

    @pytest.mark.parametrize("place", ["file", "console", "page"])
    def test_expected_errors_take_one_line_and_others_keep_their_traceback(self, shown: Shown, place: str) -> None:
        text = getattr(shown, place)
        assert "Task run failed with exception: the grader's key *** was refused: correct GRADER_CLIENT_KEY" in text
        assert "Encountered exception during execution: the sheet is gone: share it again\n" in text
        assert text.count("Traceback") == 1
        assert "ValueError: unexpected, at https://grader.example/api?client_key=***" in text

    def test_only_tracebacks_are_indented(self, shown: Shown) -> None:
        others = [line for line in shown.file.splitlines() if not LINE.fullmatch(line)]
        assert others
        assert all(line.startswith("    ") for line in others)
        assert others[0] == "    Traceback (most recent call last):"

    def test_a_folder_that_cannot_be_written_is_one_line_in_the_run(self, shown: Shown) -> None:
        assert re.search(r"during execution: the log folder \S+ cannot be written to \(Not a directory\)", shown.page)


# --- one process


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    in_the_way = tmp_path / "a file"
    in_the_way.touch()
    for folder in (in_the_way, in_the_way / "logs"):
        with pytest.raises(InvalidInputError) as caught:
            start_logging(folder, [])
        assert str(caught.value) == (
            f"the log folder {folder} cannot be written to (Not a directory): "
            "set LOG_DIR to a folder in which this user may create files"
        )


def test_starting_again_writes_nothing_twice(logs: Path) -> None:
    for _ in range(3):
        start_logging(logs, [])
    logging.getLogger("tasks.sample").info("once")
    assert _text(logs).count("once") == 1


def test_starting_again_while_others_log_loses_and_repeats_nothing(logs: Path) -> None:
    start_logging(logs, [])
    expected = [f"line {number}" for number in range(1_000)]
    own = logging.getLogger("tasks.sample")
    others = threading.Thread(target=lambda: deque(map(own.info, expected)))
    others.start()
    while others.is_alive():
        start_logging(logs, [])
    assert [line.rpartition(" | ")[2] for line in _text(logs).splitlines()] == expected


def test_a_line_outside_any_run_brings_no_warning(logs: Path, recwarn: pytest.WarningsRecorder) -> None:
    start_logging(logs, [])
    logging.getLogger("tasks.sample").info("no run, no page")
    assert "no run, no page" in _text(logs)
    assert not recwarn.list


def test_another_folder_takes_over_and_secrets_stay_hidden(logs: Path, tmp_path: Path) -> None:
    start_logging(logs, ["first secret"])
    start_logging(tmp_path / "other", ["second secret"])
    logging.getLogger("tasks.sample").info("first secret, second secret")
    assert "***, ***" in _text(tmp_path / "other")
    assert not _text(logs)


def test_a_folder_that_was_removed_is_made_again(logs: Path) -> None:
    start_logging(logs, [])
    for path in logs.iterdir():
        path.unlink()
    logs.rmdir()
    start_logging(logs, [])
    logging.getLogger("tasks.sample").info("here again")
    assert "here again" in _text(logs)


def test_the_file_has_the_date_of_the_machine(logs: Path) -> None:
    days = [local_now().date()]
    start_logging(logs, [])
    days.append(local_now().date())
    (path,) = logs.glob("*.log")
    assert path.stem in map(str, days)


@fault("secrets", "another user looks into the logs", "files 0600 in a folder 0700")
@pytest.mark.skipif(sys.platform == "win32", reason="modes are a matter of POSIX")
def test_files_and_folder_are_for_their_owner_alone(logs: Path) -> None:
    handler = DailyFileHandler(logs, max_bytes=100)
    for number in range(20):
        handler.handle(_record(f"line {number}"))
    handler.close()
    names = {path.name.removeprefix(f"{local_now():%Y-%m-%d}") for path in logs.glob("[0-9]*")}
    assert names == {".log", ".log.1", ".log.2", ".log.3"}
    assert {path.stat().st_mode & 0o777 for path in logs.iterdir()} == {0o600}
    assert logs.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    before = tmp_path.stat().st_mode
    DailyFileHandler(tmp_path).close()
    assert tmp_path.stat().st_mode == before


@fault("secrets", "text from outside has line ends or control characters", "it cannot forge a line of the log")
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x85", "\u2028", "\x1b[1A"])
def test_what_is_logged_cannot_forge_a_line(logs: Path, end: str) -> None:
    start_logging(logs, [])
    forged = "2026-01-01T00:00:00.000+00:00 | INFO    | 1 | - | prefect | all is well"
    try:
        _raise(ValueError(f"a name{end}{forged}"))
    except ValueError:
        logging.getLogger("tasks.sample").exception("the user %s", f"x{end}{forged}")
    written = _text(logs)
    assert end == "\n" or end not in written
    assert [line for line in written.splitlines() if not line.startswith("    ")] == written.split("\n")[:1]


# --- the filter


@fault("secrets", "a secret is logged as Python, JSON or an address writes it", "`***` in its place")
@pytest.mark.parametrize(
    "written",
    [
        "{}".format,
        repr,
        lambda secret: repr(f'{secret}"'),
        json.dumps,
        quote,
        quote_plus,
        lambda secret: re.sub("%..", lambda code: code[0].lower(), quote(secret, safe="")),
    ],
)
@pytest.mark.parametrize("secret", ["pa'ss\\word", 'pa"ss:wörd', "a/b+c d%e&f", "-----BEGIN-----\nxyz"])
def test_a_secret_is_hidden_however_it_is_written(logs: Path, secret: str, written: object) -> None:
    start_logging(logs, [secret])
    assert callable(written)
    logging.getLogger("tasks.sample").info("<%s>", written(secret))
    assert re.search(r"\| <[\"']?\*\*\*\W*>$", _text(logs))


def test_the_line_end_of_a_secret_read_from_a_file_is_no_part_of_it(logs: Path) -> None:
    start_logging(logs, ["sesame-open\n"])
    logging.getLogger("tasks.sample").info("<sesame-open>")
    assert _text(logs).endswith(" | <***>\n")


def test_a_secret_is_hidden_in_a_stack_and_in_a_chained_error(logs: Path) -> None:
    start_logging(logs, ["sesame-open"])
    try:
        try:
            _raise(ConnectionError("sesame-open"))
        except ConnectionError as error:
            raise ValueError("inner") from error
    except ValueError:
        logging.getLogger("tasks.sample").exception("outer", stack_info=True)  # sesame-open
    text = _text(logs)
    assert "ConnectionError: ***" in text
    assert "Stack (most recent call last)" in text
    assert "sesame-open" not in text


@fault("secrets", "a client key is logged that no Block holds", "`***` in its place")
def test_a_client_key_is_hidden_even_where_nobody_named_it(logs: Path) -> None:
    start_logging(logs, [])
    own = logging.getLogger("tasks.sample")
    own.info("GET /api?client=c&client_key=unheard(of)&end=1")
    own.info("to=%s", quote("/api?client_key=unheard", safe=""))
    text = _text(logs)
    assert "client=c&client_key=***&end=1" in text
    assert "unheard" not in text


def test_the_longest_secret_goes_first(logs: Path) -> None:
    start_logging(logs, ["alpha", "alphabet"])
    logging.getLogger("tasks.sample").info("alphabet")
    assert _text(logs).endswith(" | ***\n")


def test_a_short_secret_is_hidden_only_as_a_value(logs: Path) -> None:
    start_logging(logs, ["q7", "", " "])
    logging.getLogger("tasks.sample").info("q7 rows, q70, none= password=q7 key=q7&a=q7x postgresql://me:q7@db/x")
    assert "q7 rows, q70, none= password=*** key=***&a=q7x postgresql://me:***@db/x" in _text(logs)


def test_arguments_that_do_not_fit_harm_neither_run_nor_secret(logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start_logging(logs, ["sesame-open"])
    logging.getLogger("tasks.sample").info("%d", "sesame-open")
    assert f"arguments do not fit it: {__file__}" in _text(logs)
    assert "sesame-open" not in "".join(capsys.readouterr())


def test_an_expected_error_is_named_where_the_line_does_not_say_it(logs: Path) -> None:
    start_logging(logs, [])
    try:
        _raise(PermanentError("the tab is gone"))
    except PermanentError as error:
        logging.getLogger("tasks.sample").exception("publishing failed")
        logging.getLogger("tasks.sample").warning("later: %r", error)
    lines = _text(logs).splitlines()
    assert [line.rpartition(" | ")[2] for line in lines] == [
        "publishing failed: the tab is gone",
        "later: the tab is gone",
    ]


# --- days


@dataclass
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


def test_midnight_moves_to_the_next_file_and_removes_the_oldest(logs: Path) -> None:
    clock = Clock(NOON)
    handler = DailyFileHandler(logs, clock=clock)
    for day in range(5):
        clock.now = NOON + timedelta(days=day)
        handler.handle(_record(f"day {day}"))
    handler.close()
    assert sorted(path.name for path in logs.glob("*.log")) == [f"2026-03-{day}.log" for day in range(11, 15)]
    assert [line.rpartition(" | ")[2] for line in _text(logs).splitlines()] == [f"day {day}" for day in range(1, 5)]
    assert sorted(path.name for path in logs.glob(".*")) == [f".__2026-03-{day}.lock" for day in range(11, 15)]


def test_only_old_files_of_ours_are_removed(logs: Path) -> None:
    logs.mkdir()
    old = ["2026-03-06.log", "2026-03-06.log.1", "2025-12-31.log.3", ".__2026-03-06.lock", "2026-03-06.log.rotate.12"]
    kept = ["2026-03-07.log", "2026-03-07.log.3", ".__2026-03-07.lock", "2026-99-99.log", "2020-01-01.log.gz", "notes"]
    for name in (*old, *kept):
        (logs / name).touch()
    DailyFileHandler(logs, clock=Clock(NOON)).close()
    assert sorted(path.name for path in logs.iterdir()) == sorted([*kept, "2026-03-10.log"])


# --- several processes

PROCESSES, LINES = 4, 2_000


def _write_lines(folder: Path, process: int) -> None:
    handler = DailyFileHandler(folder, max_bytes=50_000, backups=40)
    for number in range(LINES):
        handler.handle(_record(f"line {process}-{number}"))
    handler.close()


@pytest.mark.slow
def test_several_processes_lose_no_line(logs: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write_lines, args=(logs, process)) for process in range(PROCESSES)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * PROCESSES
    lines = _text(logs).splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    expected = [f"line {process}-{number}" for process in range(PROCESSES) for number in range(LINES)]
    assert sorted(line.rpartition(" | ")[2] for line in lines) == sorted(expected)
    assert 5 < len(list(logs.glob("*.log.*"))) < 40, "it was rotated, and nothing was rotated away"
