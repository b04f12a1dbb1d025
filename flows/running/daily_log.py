"""The daily log files: one a day, that several processes write and rotate at once. Importing this takes a while."""

import logging
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from concurrent_log_handler import ConcurrentRotatingFileHandler
from prefect.context import FlowRunContext, TaskRunContext

MAX_BYTES: Final = 5 * 1024 * 1024
BACKUPS: Final = 3
KEEP: Final = timedelta(days=3)
"""How long a day's files stay after that day."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_DAY_FILE: Final = re.compile(r"\.?(?:__)?(\d{4}-\d\d-\d\d)\.(?:lock|log(?:\.\d+|\.rotate\.\d+|\.\d+\.tmp)?)")
"""A day's log, its backups, its lock, and what a process that was killed while it rotated them leaves behind."""


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
