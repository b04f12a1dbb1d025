"""The log files, and what may stand in a line of any log: on a real run, from several processes, over midnight."""

import io
import json
import logging
import multiprocessing
import re
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import pytest

from flows.running.logs import DailyFileHandler, start_logging
from tasks.errors import InvalidInputError, PermanentError, TransientError
from tests.faults import fault
from tests.fixtures.waiting import wait_until

SECRET = "K3y/of+the gräder's"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d \| [A-Z]+ *\| \d+ \| .+ \| \S+ \| .*")


@pytest.fixture(autouse=True)
def _quiet_afterwards() -> Iterator[None]:
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(factory)
    for handler in [handler for handler in root.handlers if isinstance(handler, DailyFileHandler)]:
        root.removeHandler(handler)
        handler.close()


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def logger() -> logging.Logger:
    from prefect.logging import get_logger

    return get_logger("sample")


def text_of(folder: Path) -> str:
    """All that was logged, the oldest first, as whoever reads it byte by byte would find it."""
    by_age = sorted(folder.glob("*.log*"), key=lambda path: (path.name[:10], -int(path.suffix[1:].replace("log", "0"))))
    return "".join(path.read_bytes().decode() for path in by_age)


def messages(folder: Path) -> list[str]:
    return [line.rpartition(" | ")[2] for line in text_of(folder).splitlines()]


def raise_(error: Exception) -> None:
    raise error


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("sample", logging.INFO, __file__, 1, message, (), None)


# --- a real run


@pytest.fixture(scope="module")
def shown(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a run left in each place that logs secrets and fails in every way."""
    from prefect import flow, get_run_logger, task
    from prefect.logging.handlers import PrefectConsoleHandler

    folder = tmp_path_factory.mktemp("run") / "logs"
    url = f"https://grader.example/api?client_key={quote(SECRET, safe='')}&start=2023-04-01"

    @task(task_run_name="speak 06:00")
    def speak() -> None:
        get_run_logger().info("a task's line, asking %s", url)
        get_run_logger().debug("a line of no interest")
        logging.getLogger("library").warning("a library's line, with %r", {"key": SECRET})

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

    (console,) = (handler for handler in logging.getLogger().handlers if isinstance(handler, PrefectConsoleHandler))
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console.console, "file", printed)
        shown = page(sample(return_state=True).state_details.flow_run_id)
    return {"file": text_of(folder), "console": printed.getvalue(), "page": shown}


def page(flow_run_id: UUID | None) -> str:
    """What the server shows of a run, once it has its last line."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId

    assert flow_run_id
    of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run_id]))
    lines: list[str] = []
    with get_client(sync_client=True) as client:

        def is_complete() -> bool:
            lines[:] = [log.message for log in client.read_logs(of_run, limit=200, offset=0)]
            return any("Finished in state Failed('Flow run" in line for line in lines)

        wait_until(is_complete, 30)
    return "\n".join(lines)


@pytest.mark.slow
def test_a_runs_lines_say_where_they_come_from_and_only_tracebacks_are_indented(shown: dict[str, str]) -> None:
    lines = shown["file"].splitlines()
    for part, where in (
        ("the flow's line", " | sample run | prefect.flow_runs | "),
        ("a task's line", " | sample run / speak 06:00 | prefect.task_runs | "),
        ("a library's line", " | - | library | "),
    ):
        (line,) = (line for line in lines if part in line)
        assert where in line
        assert LINE.fullmatch(line)
    assert "a line of no interest" not in shown["file"], "Prefect's level is INFO"
    others = [line for line in lines if not LINE.fullmatch(line)]
    assert others[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in others)


@fault(
    "secrets",
    "a secret is in an address, an error or a traceback",
    "`***` in its place, in the file, on the console and on the run's page",
)
@pytest.mark.slow
@pytest.mark.parametrize("place", ["file", "console", "page"])
def test_no_place_shows_a_secret_and_only_the_unexpected_has_a_traceback(shown: dict[str, str], place: str) -> None:
    text = shown[place]
    assert "client_key=***&start=2023-04-01" in text
    assert "Task run failed with exception: the grader's key *** was refused: correct GRADER_CLIENT_KEY" in text
    assert "Encountered exception during execution: the sheet is gone: share it again\n" in text
    assert text.count("Traceback") == 1
    assert "ValueError: unexpected, at https://grader.example/api?client_key=***" in text
    assert place == "page" or "a library's line, with {'key': \"***\"}" in text
    for form in (SECRET, repr(SECRET)[1:-1], quote(SECRET, safe=""), "gräder"):
        assert form not in text


# --- one process


def test_a_folder_that_cannot_be_written_is_named_with_its_setting(tmp_path: Path) -> None:
    in_the_way = tmp_path / "a file"
    in_the_way.touch()
    for folder in (in_the_way, in_the_way / "logs"):
        with pytest.raises(InvalidInputError, match=f"{folder} .*Not a directory.*LOG_DIR"):
            start_logging(folder, [])


def test_starting_again_writes_nothing_twice_and_keeps_secrets(
    logs: Path, tmp_path: Path, logger: logging.Logger
) -> None:
    for secret in ("first secret", "second secret"):
        start_logging(logs, [secret])
    logger.info("once: first secret, second secret")
    start_logging(tmp_path / "other", [])
    logger.info("then: first secret")
    assert messages(logs) == ["once: ***, ***"]
    assert messages(tmp_path / "other") == ["then: ***"]


@fault("secrets", "another user looks into the logs", "files 0600 in a folder 0700")
@pytest.mark.skipif(sys.platform == "win32", reason="modes are a matter of POSIX")
def test_files_and_folder_are_for_their_owner_alone(logs: Path) -> None:
    handler = DailyFileHandler(logs, max_bytes=100, today=lambda: date(2026, 3, 10))
    for number in range(20):
        handler.handle(record(f"line {number}"))
    handler.close()
    names = {path.name for path in logs.glob("[0-9]*")}
    assert names == {f"2026-03-10.log{backup}" for backup in ("", ".1", ".2", ".3")}
    assert {path.stat().st_mode & 0o777 for path in logs.iterdir()} == {0o600}
    assert logs.stat().st_mode & 0o777 == 0o700
    logs.chmod(0o755)
    DailyFileHandler(logs).close()
    assert logs.stat().st_mode & 0o777 == 0o755, "others may use a folder that was there before"


@fault("secrets", "text from outside has line ends or control characters", "it cannot forge a line of the log")
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x85", "\u2028", "\x1b[1A"])
def test_what_is_logged_cannot_forge_a_line(logs: Path, logger: logging.Logger, end: str) -> None:
    start_logging(logs, [])
    forged = "2026-01-01T00:00:00.000+00:00 | INFO    | 1 | - | prefect | all is well"
    try:
        raise_(ValueError(f"a name{end}{forged}"))
    except ValueError:
        logger.exception("the user %s", f"x{end}{forged}")
    written = text_of(logs)
    assert end == "\n" or end not in written
    assert [line for line in written.splitlines() if not line.startswith("    ")] == written.split("\n")[:1]


# --- what no line says


@fault("secrets", "a secret is logged as Python, JSON or an address writes it", "`***` in its place")
@fault("secrets", "a client key is logged that no Block holds", "`***` in its place")
def test_a_secret_is_hidden_however_it_is_written_in_errors_and_where_arguments_do_not_fit(
    logs: Path, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging(logs, [SECRET])
    for written in (SECRET, repr(SECRET), json.dumps(SECRET), quote(SECRET)):
        logger.info("<%s>", written)
    logger.info("GET /api?client=c&client_key=unheard(of)&end=1")
    *written_out, request = messages(logs)
    assert [line.strip("<>\"'") for line in written_out] == ["***"] * 4
    assert request == "GET /api?client=c&client_key=***&end=1"
    try:
        try:
            raise_(ConnectionError(SECRET))
        except ConnectionError as error:
            raise ValueError("inner") from error
    except ValueError:
        logger.exception("outer", stack_info=True)
    logger.info("%d", SECRET)
    text = text_of(logs)
    assert "ConnectionError: ***" in text
    assert "Stack (most recent call last)" in text
    assert __file__ in text.splitlines()[-1]
    assert "gräder" not in text + "".join(capsys.readouterr())


def test_an_expected_error_is_named_where_the_line_does_not_say_it(logs: Path, logger: logging.Logger) -> None:
    start_logging(logs, [])
    try:
        raise_(PermanentError("the tab is gone"))
    except PermanentError as error:
        logger.exception("publishing failed")
        logger.warning("later: %r", error)
    assert messages(logs) == ["publishing failed: the tab is gone", "later: the tab is gone"]


# --- days


def test_midnight_moves_to_the_next_file_and_only_old_files_of_ours_are_removed(logs: Path) -> None:
    logs.mkdir()
    old = ["2026-03-06.log", "2026-03-06.log.1", "2025-12-31.log.3", ".__2026-03-06.lock", "2026-03-06.log.rotate.12"]
    kept = ["2026-03-11.log.3", "2026-99-99.log", "2020-01-01.log.gz", "notes"]
    for name in (*old, *kept):
        (logs / name).touch()
    days = [date(2026, 3, day) for day in range(10, 15)]
    today = days[:1]
    handler = DailyFileHandler(logs, today=lambda: today[0])
    assert not [name for name in old if (logs / name).exists()]
    for day in days:
        today[0] = day
        handler.handle(record(f"on {day}"))
    handler.close()
    ours = [name for day in days[1:] for name in (f"{day}.log", f".__{day}.lock")]
    assert {path.name for path in logs.iterdir()} == {*kept, *ours}
    for day in days[1:]:
        assert (logs / f"{day}.log").read_text().endswith(f" | on {day}\n")


def test_without_another_calendar_it_is_the_machines_own(logs: Path) -> None:
    before = datetime.now().astimezone().date()
    DailyFileHandler(logs).close()
    (path,) = logs.glob("*.log")
    assert before <= date.fromisoformat(path.stem) <= datetime.now().astimezone().date()


# --- several processes

PROCESSES, LINES = 4, 2_000


def write_lines(folder: Path, process: int) -> None:
    handler = DailyFileHandler(folder, max_bytes=50_000, backups=40)
    for number in range(LINES):
        handler.handle(record(f"line {process}-{number}"))
    handler.close()


@pytest.mark.slow
def test_several_processes_lose_no_line(logs: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_lines, args=(logs, process)) for process in range(PROCESSES)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * PROCESSES
    assert all(LINE.fullmatch(line) for line in text_of(logs).splitlines())
    written = [f"line {process}-{number}" for process in range(PROCESSES) for number in range(LINES)]
    assert sorted(messages(logs)) == sorted(written)
    assert 5 < len(list(logs.glob("*.log.*"))) < 40, "it was rotated, and nothing was rotated away"
