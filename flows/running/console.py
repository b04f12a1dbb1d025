"""What a command shows of a run unless `--verbose` is given: how far it is, what failed, where the results are.

In a terminal, progress is one line that is written over; elsewhere it is a line now and then. The log file has the
rest.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from prefect.logging.configuration import ensure_logging_setup
from prefect.logging.handlers import PrefectConsoleHandler
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows.running.logs import all_handlers

OFTEN_S: Final = 30
"""Where there is no terminal, progress is told no more often than this."""

_OURS: Final = tuple(str(Path(__file__).parents[2] / folder) for folder in ("flows", "tasks", "schemas"))


@contextmanager
def quiet_console() -> Iterator[None]:
    """Shows the few lines that matter instead of all of Prefect's, for as long as the `with` block runs."""
    ensure_logging_setup()
    silenced = {handler: handler.level for handler in all_handlers() if isinstance(handler, PrefectConsoleHandler)}
    for handler in silenced:
        handler.setLevel(logging.CRITICAL + 1)
    quiet = QuietConsole()
    logging.getLogger().addHandler(quiet)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(quiet)
        quiet.close()
        for handler, level in silenced.items():
            handler.setLevel(level)


def close_quiet_console() -> None:
    """Takes the line of progress away and gives the terminal its cursor back."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, QuietConsole):
            handler.close()


class QuietConsole(logging.Handler):
    """Writes to standard error what a person waits for."""

    def __init__(self) -> None:
        super().__init__()
        self._console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._told_at = time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=self._console, transient=True, refresh_per_second=2)
        self._line = self._progress.add_task("", visible=False)

    def emit(self, record: logging.LogRecord) -> None:
        """Shows what was logged as progress or with `is_shown`, and without such a word our warnings."""
        progress: tuple[str, int, int] | None = getattr(record, "progress", None)
        if progress:
            self._show_progress(*progress)
        is_ours = record.pathname.startswith(_OURS)
        if getattr(record, "is_shown", is_ours and record.levelno >= logging.WARNING):
            self._console.print(record.getMessage())

    def close(self) -> None:
        """Takes the line of progress away."""
        if self._progress.live.is_started:
            self._progress.stop()
        super().close()

    def _show_progress(self, what: str, done: int, total: int) -> None:
        if self._console.is_terminal:
            self._progress.start()
            self._progress.update(self._line, description=what, completed=done, total=total, visible=done < total)
        elif time.monotonic() - self._told_at > OFTEN_S:
            self._told_at = time.monotonic()
            self._console.print(f"{what}: {done} of {total}")
