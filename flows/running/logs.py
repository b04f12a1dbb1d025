"""Where a run's log lines go, and what may not stand in them.

Prefect shows a run's lines on the console and on its page. `start_logging` adds a file a day to them, and has every
line made so that no handler ever sees a secret, and that an error that its message explains takes one line.
"""

import logging
import re
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from concurrent_log_handler import ConcurrentRotatingFileHandler
from prefect.logging.configuration import ensure_logging_setup

from tasks.errors import CodegraderError, InvalidInputError
from tasks.redaction import redact

MAX_BYTES: Final = 5 * 1024 * 1024
BACKUPS: Final = 3
KEEP: Final = timedelta(days=3)
"""How long a day's files stay after that day."""

_secrets: Final[set[str]] = set()
"""Of this process: what one run names stays hidden in the next."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
_DAY_FILE: Final = re.compile(r"\.?(?:__)?(\d{4}-\d\d-\d\d)\.(?:lock|log(?:\.\d+|\.rotate\.\d+|\.\d+\.tmp)?)")
"""A day's log, its backups, its lock, and what a process that was killed while it rotated them leaves behind."""


def start_logging(log_dir: Path, secrets: Collection[str]) -> None:
    """Sends this process's lines to `log_dir` too, and keeps secrets out of every place where lines go.

    Meant for the first line of each flow run; what Prefect says before that ("Beginning flow run") is not in the file.
    It may be called again: a secret once named stays hidden, and the new folder takes the former one's place.

    Args:
        log_dir: made, for its owner alone, where it is missing.

    Raises:
        InvalidInputError: the folder cannot be written to. Lines are cleaned by then, so this is one line too.
    """
    # Before our own handler: Prefect sets up no console once it finds a handler that it does not know.
    ensure_logging_setup()
    _secrets.update(secrets)
    logging.setLogRecordFactory(make_clean)
    root = logging.getLogger()
    former = [handler for handler in root.handlers if isinstance(handler, DailyFileHandler)]
    try:
        # On the root logger, where the lines of all others arrive.
        root.addHandler(DailyFileHandler(log_dir.absolute()))
    except OSError as error:
        raise InvalidInputError(
            f"the log folder {log_dir} cannot be written to ({error.strerror or error}): "
            "set LOG_DIR to a folder in which this user may create files"
        ) from error
    for handler in former:
        root.removeHandler(handler)
        handler.close()


class DailyFileHandler(ConcurrentRotatingFileHandler):
    """Writes to `YYYY-MM-DD.log` of the present day; any number of processes may write to one folder at once.

    A folder that is there already keeps its mode: it may be one that others use too.

    Raises:
        OSError: the folder cannot be created or written to.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int = MAX_BYTES,
        backups: int = BACKUPS,
        # The machine's own time zone: its midnight is where one day's file ends.
        today: Callable[[], date] = date.today,
    ) -> None:
        self._folder, self._today, self._day = folder, today, today()
        # A file of that name is reported where the log is opened: "Not a directory" says more than "File exists".
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700, parents=True)
        super().__init__(
            folder / f"{self._day}.log",
            maxBytes=max_bytes,
            backupCount=backups,
            encoding="utf-8",
            chmod=0o600,
            unicode_error_policy="replace",
        )
        self.setFormatter(LineFormatter())
        self.do_open().close()
        self._remove_old()

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record to the file of the day on which it is written."""
        if self._today() != self._day:
            self._day = self._today()
            # Lets go of the former day's log and lock; the record opens those of the new names.
            self.close()
            self.baseFilename = str(self._folder / f"{self._day}.log")
            self.lockFilename = self.getLockFilename(None)
            self._remove_old()
        super().emit(record)

    def _remove_old(self) -> None:
        # Another process may have been faster, or hold a file open: what stays now goes the next time.
        with suppress(OSError):
            for path in self._folder.iterdir():
                with suppress(OSError, ValueError):
                    match = _DAY_FILE.fullmatch(path.name)
                    if match and date.fromisoformat(match[1]) < self._day - KEEP:
                        path.unlink()


class LineFormatter(logging.Formatter):
    """One record, one line: time with offset, level, process, flow and task run, logger, message.

    Line ends and other control characters in what was logged are written as escapes, so text from outside can neither
    forge a line nor play tricks on a terminal. A traceback follows its line, indented.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Gives the record's lines, without the last line end."""
        time = datetime.fromtimestamp(record.created, UTC).astimezone().isoformat(timespec="milliseconds")
        names = (getattr(record, name, None) for name in ("flow_run_name", "task_run_name"))
        run = " / ".join(filter(None, names)) or "-"
        fields = (time, f"{record.levelname:<7}", str(record.process), run, record.name)
        trace = [line for text in (record.exc_text, record.stack_info) if text for line in text.splitlines()]
        lines = (" | ".join((*fields, record.getMessage())), *trace)
        return "\n    ".join(_CONTROL.sub(lambda match: repr(match[0])[1:-1], line) for line in lines)


def make_clean(*fields: Any, **more: Any) -> logging.LogRecord:
    """Makes a record that is fit to be shown: its text complete, an expected error in one line, every secret hidden.

    It holds neither arguments nor an exception, so whatever a handler does with it (a formatter, Prefect's payload for
    the server), it has only the cleaned text to work with.
    """
    record = logging.LogRecord(*fields, **more)
    raised = record.exc_info[1] if record.exc_info else None
    record.msg, record.args = redact(_message(record, raised), _secrets), None
    if record.exc_info and raised and not isinstance(raised, CodegraderError):
        record.exc_text = redact(logging.Formatter().formatException(record.exc_info), _secrets)
    record.exc_info = None
    record.stack_info = record.stack_info and redact(record.stack_info, _secrets)
    return record


def _message(record: logging.LogRecord, raised: BaseException | None) -> str:
    """The record's text, in which an expected error is told by its message and not by its `repr`."""
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - any argument may fail to print, and an error here would end the run
        # Left to itself, logging would print the arguments to the console, past every handler.
        return f"a log line whose arguments do not fit it: {record.pathname}:{record.lineno}"
    for error in (raised, *(record.args if isinstance(record.args, tuple) else ())):
        if isinstance(error, CodegraderError):
            text = text.replace(repr(error), str(error))
    # The traceback, which would have told the reason, is left out.
    return f"{text}: {raised}" if isinstance(raised, CodegraderError) and str(raised) not in text else text
