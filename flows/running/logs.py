"""Where a run's log lines go, and what may not stand in them.

Prefect shows a run's lines on the console and on its page. `start_logging` adds a file a day to them, and puts one
filter before every handler: no secret passes it, and an error that its message explains takes one line.
"""

import logging
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

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
        InvalidInputError: the folder cannot be written to. The filter is in place by then, so this is one line too.
    """
    # Before our own handler: Prefect sets up no console once it finds a handler that it does not know.
    ensure_logging_setup()
    _secrets.update(secrets)
    for handler in all_handlers():
        handler.addFilter(clean)
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


def all_handlers() -> Iterator[logging.Handler]:
    """Every handler in use, whoever configured it: a secret must reach none of them."""
    yield from logging.getLogger().handlers
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield from logger.handlers


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
        self.addFilter(clean)
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


def clean(record: logging.LogRecord) -> bool:
    """Makes a record fit to be shown: its text complete, an expected error in one line, every secret hidden.

    A filter of all handlers. The record itself is changed, not a copy: it then holds neither arguments nor an
    exception, so whatever a handler does with it (a formatter that caches, Prefect's payload for the server), it has
    only the cleaned text to work with. A record that was cleaned before stays as it is.
    """
    message, trace = _message(record), _trace(record)
    record.msg, record.args = redact(message, _secrets), None
    record.exc_text, record.exc_info = trace and redact(trace, _secrets), None
    record.stack_info = record.stack_info and redact(record.stack_info, _secrets)
    return True


def _message(record: logging.LogRecord) -> str:
    """The record's text, in which an expected error is told by its message and not by its `repr`."""
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - any argument may fail to print, and a filter's error would end the run
        # Left to itself, logging would print the arguments to the console, past every filter.
        return f"a log line whose arguments do not fit it: {record.pathname}:{record.lineno}"
    raised = record.exc_info[1] if record.exc_info else None
    arguments = record.args if isinstance(record.args, tuple) else ()
    for error in (raised, *arguments):
        if isinstance(error, CodegraderError):
            text = text.replace(repr(error), str(error))
    # The traceback, which would have told the reason, is dropped.
    return f"{text}: {raised}" if isinstance(raised, CodegraderError) and str(raised) not in text else text


def _trace(record: logging.LogRecord) -> str | None:
    if not record.exc_info or record.exc_info[1] is None:
        return record.exc_text
    is_expected = isinstance(record.exc_info[1], CodegraderError)
    return None if is_expected else logging.Formatter().formatException(record.exc_info)
