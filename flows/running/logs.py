"""Where a run's log lines go, and what may not stand in them.

Prefect shows a run's lines on the console and on its page. `start_logging` adds a file a day to them, and puts one
filter before every handler: no secret passes it, and an error that its message explains takes one line.
"""

import logging
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging.configuration import ensure_logging_setup

from tasks.errors import CodegraderError, InvalidInputError
from tasks.redaction import redact

OWN_LOGGERS: Final = ("flows", "tasks", "schemas")


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
        for handler in all_handlers():
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

    def learn(self, secrets: Collection[str]) -> None:
        """Hides these too from now on."""
        self._secrets |= set(secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        """Cleans the record and lets it pass; a record that was cleaned before stays as it is."""
        message, trace = _message(record), _trace(record)
        record.msg, record.args = self._hide(message), None
        record.exc_text, record.exc_info = trace and self._hide(trace), None
        record.stack_info = record.stack_info and self._hide(record.stack_info)
        return True

    def _hide(self, text: str) -> str:
        return redact(text, self._secrets)


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


def all_handlers() -> Iterator[logging.Handler]:
    """Every handler in use, whoever configured it: a secret must reach none of them."""
    yield from logging.getLogger().handlers
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield from logger.handlers


def _write_to(folder: Path) -> None:
    """Makes the folder's handler the only one of its kind, on the root logger, where all propagating lines arrive."""
    from flows.running.daily_log import DailyFileHandler

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


# One filter for the process, so that what one run names stays hidden in the next, and no handler gets a second one.
_filter = RunLogFilter()
_starting = threading.Lock()
