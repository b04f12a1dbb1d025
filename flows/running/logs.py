"""Where a run's log lines go, and what may not stand in them.

Prefect shows a run's lines on the console and on its page. `start_logging` adds a file a day to them, and puts one
filter before every handler: no secret passes it, and an error that its message explains takes one line.
"""

import json
import logging
import re
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging.configuration import ensure_logging_setup

from tasks.errors import CodegraderError, InvalidInputError

OWN_LOGGERS: Final = ("flows", "tasks", "schemas")

SHORTEST_WORD: Final = 4
"""A shorter secret is hidden only where it stands as a value: `=abc`, or `:abc@` in a URL.

Hidden everywhere, a secret such as `1` or `ok` would spoil most lines, and the holes would tell what it is.
"""
HIDDEN: Final = "***"

_URL_SAFE: Final = ("", "/", " +", "!#$%&'()*+,/:;=?@[]~")
"""What quoting leaves alone: `quote(safe="")`, `quote()`, SQLAlchemy's and that of requests."""
_CLIENT_KEY: Final = re.compile(r"(client_key(?:=|%3D))[^&\s\"'<>]+", re.IGNORECASE)


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
