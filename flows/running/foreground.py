"""A command in the foreground: what it shows, what a Ctrl-C does, and a flow that it runs in this process.

A quiet command shows how far it is, what failed, and where the results are. In a terminal, progress is one line that is
written over; elsewhere it is a line now and then. The log file has the rest.
"""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

from cyclopts import Parameter
from prefect import Flow, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging.configuration import ensure_logging_setup
from prefect.logging.handlers import PrefectConsoleHandler
from prefect.states import Cancelled
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from flows.command_line import DONE, FAILED, UNUSABLE
from flows.running.beginning import REFUSED
from flows.running.logs import all_handlers
from flows.running.server import check_prefect_home, check_server, stop_servers, temporary_server
from flows.running.stopping import ENDED_WITHIN_S, stoppable

OFTEN_S: Final = 30
"""Where there is no terminal, progress is told no more often than this."""

Verbose = Annotated[bool, Parameter(negative="", help="Show every log line; without it the log file alone has them.")]

_OURS: Final = tuple(str(Path(__file__).parents[2] / folder) for folder in ("flows", "tasks", "schemas"))


def run_flow(flow: Flow[..., Any], parameters: Mapping[str, Any], *, verbose: bool, when_stopped: str) -> int:
    """Runs a flow once and says what came of it, in one line.

    Args:
        verbose: show every log line.
        when_stopped: what to tell a user who stops it.

    Returns:
        The exit code: 2 if the run refused its arguments.

    Raises:
        InvalidInputError: Prefect's temporary server has no folder for its database.
        CodegraderError: the server that is named cannot be used, see `check_server`.
    """
    check_server()
    check_prefect_home()
    run_ids: list[UUID] = []

    def note(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001
        run_ids.append(flow_run.id)

    def mark_as_stopped() -> None:
        # Prefect's server would else show the run as running for ever.
        if run_ids:
            with get_client(httpx_settings={"timeout": ENDED_WITHIN_S / 4}, sync_client=True) as client:
                client.set_flow_run_state(run_ids[-1], Cancelled(message="stopped by hand"), force=True)

    with in_foreground(when_stopped, mark_as_stopped, verbose=verbose), temporary_server():
        state: Any = flow.with_options(on_running=[note])(**parameters, return_state=True)
    print(state.message, file=sys.stdout if state.is_completed() else sys.stderr)
    if state.is_completed():
        return DONE
    return UNUSABLE if state.name == REFUSED else FAILED


@contextmanager
def in_foreground(when_stopped: str, *tidy_up: Callable[[], object], verbose: bool = False) -> Iterator[None]:
    """Shows the few lines that matter and ends the process when it is told to, for as long as the `with` block runs.

    Args:
        when_stopped: what to tell a user who stops it, in one line.
        tidy_up: what is called then, before the servers that this process has started are stopped.
        verbose: show every log line, as Prefect does.
    """
    ensure_logging_setup()
    console, root = QuietConsole(), logging.getLogger()
    prefects = {handler: handler.level for handler in all_handlers() if isinstance(handler, PrefectConsoleHandler)}

    def say_so() -> None:
        console.close()
        print(when_stopped, file=sys.stderr, flush=True)

    if not verbose:
        root.addHandler(console)
        for handler in prefects:
            handler.setLevel(logging.CRITICAL + 1)
    try:
        with stoppable(say_so, *tidy_up, stop_servers):
            yield
    finally:
        root.removeHandler(console)
        console.close()
        for handler, level in prefects.items():
            handler.setLevel(level)


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
        """Takes the line of progress away and gives the terminal its cursor back."""
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
