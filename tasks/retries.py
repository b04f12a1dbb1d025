"""When Prefect should try a task again."""

import time
from typing import Any, Final

from prefect.client.schemas.objects import State, TaskRun

from tasks.errors import DatabaseUnavailableError, TransientError

MAX_RETRY_AFTER_S: Final = 120
"""Longest wait that a service's `Retry-After` can ask of us; the task's backoff comes on top."""


def is_transient(_task: Any, _task_run: TaskRun, state: State[Any]) -> bool:
    """Whether a retry can help. Waits out `Retry-After` first, since Prefect has no other place for it."""
    error = state.result(raise_on_failure=False)
    if not isinstance(error, TransientError):
        return False
    if error.retry_after:
        time.sleep(min(error.retry_after, MAX_RETRY_AFTER_S))
    return True


def is_database_fault(_task: Any, _task_run: TaskRun, state: State[Any]) -> bool:
    """Whether the database, not the API (which has retries of its own), is what a retry can help with."""
    return isinstance(state.result(raise_on_failure=False), DatabaseUnavailableError)
