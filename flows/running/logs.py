"""Where a run's log lines go, and what may not stand in them.

Prefect shows a run's lines on the console and on its page. `start_logging` adds a file a day to them, and puts one
filter before every handler: no secret passes it, and an error that its message explains takes one line.
"""

import json
import logging
import re
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

from concurrent_log_handler import ConcurrentRotatingFileHandler
from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging.configuration import ensure_logging_setup

from tasks.errors import CodegraderError, InvalidInputError

OWN_LOGGERS: Final = ("flows", "tasks", "schemas")
MAX_BYTES: Final = 5 * 1024 * 1024
BACKUPS: Final = 3
KEEP: Final = timedelta(days=3)
"""How long a day's files stay after that day."""

SHORTEST_WORD: Final = 4
"""A shorter secret is hidden only where it stands as a value: `=abc`, or `:abc@` in a URL.

Hidden everywhere, a secret such as `1` or `ok` would spoil most lines, and the holes would tell what it is.
"""
HIDDEN: Final = "***"

_URL_SAFE: Final = ("", "/", " +", "!#$%&'()*+,/:;=?@[]~")
"""What quoting leaves alone: `quote(safe="")`, `quote()`, SQLAlchemy's and that of requests."""
_CLIENT_KEY: Final = re.compile(r"(client_key(?:=|%3D))[^&\s\"'<>]+", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_DAY_FILE: Final = re.compile(r"\.?(?:__)?(\d{4}-\d\d-\d\d)\.(?:lock|log(?:\.\d+|\.rotate\.\d+|\.\d+\.tmp)?)")
"""A day's log, its backups, its lock, and what a process that was killed while it rotated them leaves behind."""


def start_logging(log_dir: Path, secrets: Collection[str]) -> None:
    """Sends this process's lines to `log_dir` too, and keeps secrets out of every place where lines go.

    Meant for the first line of each flow run; what Prefect says before that ("Beginning flow run") is not in the file.
    It may be called again: a secret once named stays hidden, another folder takes the former one's place, and nothing
    is written twice.

    Args:
        log_dir: the folder of the daily files; created, for its owner alone, where it is missing.
        secrets: what must not be shown, such as keys and passwords; empty ones are ignored.

    Raises:
        InvalidInputError: the folder cannot be written to. The filter is in place by then, so this is one line too.
    """
    # Before our own handler: Prefect sets up no console once it finds a handler that it does not know.
    ensure_logging_setup()
    with _starting:
        _filter.learn(secrets)
        _connect_own_loggers()
        for handler in _handlers():
            handler.addFilter(_filter)
        try:
            _write_to(log_dir.absolute())
        except OSError as error:
            raise InvalidInputError(
                f"the log folder {log_dir} cannot be written to ({error.strerror or error}): "
                "set LOG_DIR to a folder in which this user may create files"
            ) from error


class RunLogFilter(logging.Filter):
    """Makes a record fit to be shown: its text complete, an expected error in one line, every secret hidden.

    The record itself is changed, not a copy: it then holds neither arguments nor an exception, so whatever a handler
    does with it (a formatter that caches, Prefect's payload for the server), it has only the cleaned text to work with.
    """

    def __init__(self) -> None:
        super().__init__()
        self._secrets: frozenset[str] = frozenset()
        self._pattern = _pattern_of(self._secrets)

    def learn(self, secrets: Collection[str]) -> None:
        """Hides these too from now on."""
        self._secrets |= {secret.strip() for secret in secrets} - {""}
        self._pattern = _pattern_of(self._secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        """Cleans the record and lets it pass; a record that was cleaned before stays as it is."""
        message, trace = _message(record), _trace(record)
        record.msg, record.args = self._hide(message), None
        record.exc_text, record.exc_info = trace and self._hide(trace), None
        record.stack_info = record.stack_info and self._hide(record.stack_info)
        return True

    def _hide(self, text: str) -> str:
        return _CLIENT_KEY.sub(rf"\1{HIDDEN}", self._pattern.sub(HIDDEN, text))


class LineFormatter(logging.Formatter):
    """One record, one line: time with offset, level, process, flow and task run, logger, message.

    Line ends and other control characters in what was logged are written as escapes, so text from outside can neither
    forge a line nor play tricks on a terminal. A traceback follows its line, indented.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Gives the record's lines, without the last line end."""
        time = datetime.fromtimestamp(record.created, UTC).astimezone().isoformat(timespec="milliseconds")
        fields = (time, f"{record.levelname:<7}", str(record.process), _run_name(record), record.name)
        trace = [line for text in (record.exc_text, record.stack_info) if text for line in text.splitlines()]
        return "\n    ".join(map(_escape, (" | ".join((*fields, record.getMessage())), *trace)))


def local_now() -> datetime:
    """The present in the machine's own time zone: its midnight is where one day's file ends."""
    return datetime.now(UTC).astimezone()


class DailyFileHandler(ConcurrentRotatingFileHandler):
    """Writes to `YYYY-MM-DD.log` of the present day; any number of processes may write to one folder at once.

    Raises:
        OSError: the folder cannot be created or written to.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int = MAX_BYTES,
        backups: int = BACKUPS,
        clock: Callable[[], datetime] = local_now,
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._day = clock().date()
        super().__init__(
            self._file(),
            maxBytes=max_bytes,
            backupCount=backups,
            encoding="utf-8",
            chmod=0o600,
            unicode_error_policy="replace",
        )
        self.setFormatter(LineFormatter())
        self.prepare()

    def prepare(self) -> None:
        """Makes sure that today's file can be written, and removes what is too old.

        A folder that is there already keeps its mode: it may be one that others use too.

        Raises:
            OSError: the folder cannot be created or written to.
        """
        # A file of that name is reported where the log is opened: "Not a directory" says more than "File exists".
        with suppress(FileExistsError):
            self.folder.mkdir(mode=0o700, parents=True)
        self.acquire()
        try:
            self._follow_day()
            self.do_open().close()
        finally:
            self.release()
        self._remove_old()

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record to the file of the day on which it is written."""
        try:
            self._follow_day()
        except OSError:
            self.handleError(record)
        super().emit(record)

    def _file(self) -> Path:
        return self.folder / f"{self._day}.log"

    def _follow_day(self) -> None:
        today = self._clock().date()
        if today == self._day:
            return
        self._day = today
        # Lets go of the former day's log and lock; the next record opens those of the new names.
        self.close()
        self.baseFilename = str(self._file())
        self.lockFilename = self.getLockFilename(None)
        self._remove_old()

    def _remove_old(self) -> None:
        oldest = self._day - KEEP
        # Another process may have been faster, or hold a file open: what stays now goes the next time.
        for path in self.folder.iterdir():
            with suppress(OSError):
                if (day := _day_of(path)) and day < oldest:
                    path.unlink()


def _connect_own_loggers() -> None:
    """Treats our modules' loggers as Prefect treats a run's: the same level, and shown on the run's page."""
    level = logging.getLogger("prefect").level
    api_handlers = logging.getLogger("prefect.flow_runs").handlers
    for handler in api_handlers:
        handler.addFilter(_belongs_to_run)
    for logger in map(logging.getLogger, OWN_LOGGERS):
        logger.setLevel(level)
        for handler in api_handlers:
            logger.addHandler(handler)


def _belongs_to_run(record: logging.LogRecord) -> bool:
    """Whether there is a page for this line: Prefect's handler warns about each line for which there is none."""
    return bool(getattr(record, "flow_run_id", None) or FlowRunContext.get() or TaskRunContext.get())


def _handlers() -> Iterator[logging.Handler]:
    """Every handler in use, whoever configured it: a secret must reach none of them."""
    yield from logging.getLogger().handlers
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield from logger.handlers


def _write_to(folder: Path) -> None:
    """Makes the folder's handler the only one of its kind, on the root logger, where all propagating lines arrive."""
    root = logging.getLogger()
    former = [handler for handler in root.handlers if isinstance(handler, DailyFileHandler)]
    if former and former[0].folder == folder:
        former[0].prepare()
        return
    handler = DailyFileHandler(folder)
    handler.addFilter(_filter)
    root.addHandler(handler)
    for other in former:
        root.removeHandler(other)
        other.close()


def _message(record: logging.LogRecord) -> str:
    """The record's text, in which an expected error is told by its message and not by its `repr`."""
    text = _filled_in(record)
    raised = record.exc_info[1] if record.exc_info else None
    arguments = record.args if isinstance(record.args, tuple) else ()
    for error in (raised, *arguments):
        if isinstance(error, CodegraderError):
            text = text.replace(repr(error), str(error))
    # The traceback, which would have told the reason, is dropped.
    return f"{text}: {raised}" if isinstance(raised, CodegraderError) and str(raised) not in text else text


def _filled_in(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - any argument may fail to print, and a filter's error would end the run
        # Left to itself, logging would print the arguments to the console, past every filter.
        return f"a log line whose arguments do not fit it: {record.pathname}:{record.lineno}"


def _trace(record: logging.LogRecord) -> str | None:
    if not record.exc_info:
        return record.exc_text
    error = record.exc_info[1]
    if error is None or isinstance(error, CodegraderError):
        return None
    return logging.Formatter().formatException(record.exc_info)


def _run_name(record: logging.LogRecord) -> str:
    """The flow run's and the task run's names; a record of a logger that is not Prefect's is asked for its context."""
    flow_run = getattr(record, "flow_run_name", None)
    task_run = getattr(record, "task_run_name", None)
    if not flow_run:
        flow_context, task_context = FlowRunContext.get(), TaskRunContext.get()
        flow_run = flow_context.flow_run.name if flow_context and flow_context.flow_run else None
        task_run = task_context.task_run.name if task_context else None
    return " / ".join(filter(None, (flow_run, task_run))) or "-"


def _escape(text: str) -> str:
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1], text)


def _day_of(path: Path) -> date | None:
    match = _DAY_FILE.fullmatch(path.name)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def _pattern_of(secrets: Collection[str]) -> re.Pattern[str]:
    """Matches every secret in every form; the longest first, so that no tail of one stays behind another."""
    short = {form for secret in secrets if len(secret) < SHORTEST_WORD for form in _forms(secret)}
    words = {form for secret in secrets if len(secret) >= SHORTEST_WORD for form in _forms(secret)}
    by_length = sorted(short | words, key=len, reverse=True)
    alternatives = [re.escape(form) if form in words else _as_value(re.escape(form)) for form in by_length]
    # An empty alternative would match everywhere; this one matches nowhere.
    return re.compile("|".join(alternatives) or r"(?!)")


def _as_value(escaped: str) -> str:
    """Matches only behind an equals sign and before what ends a value, or as the password in a URL."""
    return rf"(?<==){escaped}(?![^&\s\"',;)])|(?<=:){escaped}(?=@)"


def _forms(secret: str) -> Iterator[str]:
    """The secret as it is, as Python's `repr` and JSON write it, and as URLs carry it."""
    yield secret
    yield repr(secret)[1:-1]
    yield repr(secret + '"')[1:-2]  # a double quote beside it makes `repr` escape a single quote in it
    yield json.dumps(secret)[1:-1]
    for quoted in (*(quote(secret, safe=safe) for safe in _URL_SAFE), quote_plus(secret)):
        yield quoted
        yield re.sub("%..", lambda match: match[0].lower(), quoted)


# One filter for the process, so that what one run names stays hidden in the next, and no handler gets a second one.
_filter = RunLogFilter()
_starting = threading.Lock()
