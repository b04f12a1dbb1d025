"""A command in the foreground: what it shows, what a Ctrl-C does, and a flow that it runs in this process.

A quiet command shows how far it is, what failed, and where the results are. In a terminal, progress is one line that is
written over; elsewhere it is a line now and then. The log file has the rest.
"""

import inspect
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
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

from flows.command_line import DONE, FAILED, UNUSABLE, run_command
from flows.running.server import check_prefect_home, check_server, stop_servers, temporary_server
from flows.running.stages import REFUSED, check_arguments
from flows.running.stopping import ENDED_WITHIN_S, stoppable
from tasks.plan import MAX_DAYS

OFTEN_S: Final = 30
"""Where there is no terminal, progress is told no more often than this."""

Verbose = Annotated[bool, Parameter(negative="", help="Show every log line; without it the log file alone has them.")]

_OURS: Final = tuple(str(Path(__file__).parents[2] / folder) for folder in ("flows", "tasks", "schemas"))


def flow_command(
    flow: Flow[..., Any], name: str, when_stopped: str, max_days: int | None = MAX_DAYS
) -> Callable[..., int]:
    """The command that runs a flow once, in this process; its options are the flow's parameters, and `--verbose`.

    So the command line and the run form have one declaration. `when_stopped` is told to a user who stops it.
    """

    def run(*, verbose: bool = False, **parameters: Any) -> int:
        check_arguments(flow.fn, parameters, datetime.now(UTC), max_days)
        return _run_flow(flow, parameters, verbose=verbose, when_stopped=when_stopped)

    declared = inspect.signature(flow.fn, eval_str=True).parameters.values()
    verbose = inspect.Parameter("verbose", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Verbose)
    options = [*(parameter.replace(kind=verbose.kind) for parameter in declared), verbose]
    run.__doc__ = inspect.getdoc(flow.fn)
    run.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]
    run.__annotations__ = {option.name: option.annotation for option in options}
    return partial(run_command, run, name)


def _run_flow(flow: Flow[..., Any], parameters: Mapping[str, Any], *, verbose: bool, when_stopped: str) -> int:
    """Runs a flow and says what came of it, in one line; the exit code is 2 if the run refused its arguments."""
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
    prefects = {handler: handler.level for handler in root.handlers if isinstance(handler, PrefectConsoleHandler)}

    def say_so() -> None:
        console.close()
        print(when_stopped, file=sys.stderr, flush=True)
        # Threads that are cut off, such as one in the middle of a COPY, would print their errors behind it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())

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
        self._progress.live.stop()
        super().close()

    def _show_progress(self, what: str, done: int, total: int) -> None:
        if self._console.is_terminal:
            self._progress.update(self._line, description=what, completed=done, total=total, visible=done < total)
            # Draws it at once; after that, twice a second.
            self._progress.start()
        elif time.monotonic() - self._told_at > OFTEN_S:
            self._told_at = time.monotonic()
            self._console.print(f"{what}: {done} of {total}")
