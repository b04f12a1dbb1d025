"""The last runs and the next one, asked of Prefect."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterParentTaskRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from flows.installing.server_objects import FLOWS

SHOWN: Final = 5
"""So many of the last runs are shown."""
_OURS: Final = FlowFilter(name=FlowFilterName(any_=FLOWS))
_SCHEDULED: Final = FlowRunFilterStateType(any_=[StateType.SCHEDULED])
_OTHERS: Final = FlowRunFilterStateType(any_=[kind for kind in StateType if kind is not StateType.SCHEDULED])


@dataclass(frozen=True, slots=True)
class Run:
    """A flow run.

    Attributes:
        name: such as `2023-04-01 to 2023-04-30`.
        state: Prefect's name for it, such as `Completed`.
        at: when it started, or is to start; in UTC. None if it ended before it started.
    """

    name: str
    state: str
    at: datetime | None


def last_runs(client: SyncPrefectClient) -> list[Run]:
    """The runs that started last, newest first; those that are parts of another are left out."""
    # A run that never started has no time to sort by, so it is asked for by that at which it was to start.
    wanted = FlowRunFilter(
        state=FlowRunFilterState(type=_OTHERS), parent_task_run_id=FlowRunFilterParentTaskRunId(is_null_=True)
    )
    found = client.read_flow_runs(
        flow_filter=_OURS, flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=SHOWN
    )
    return [_describe(run, run.start_time or run.expected_start_time) for run in found]


def next_run(client: SyncPrefectClient) -> Run | None:
    """The run that is to start next; one whose time has passed waits for a worker."""
    found = client.read_flow_runs(
        flow_filter=_OURS,
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=_SCHEDULED)),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
        limit=1,
    )
    return _describe(found[0], found[0].expected_start_time) if found else None


def _describe(run: FlowRun, at: datetime | None) -> Run:
    return Run(run.name, run.state_name or "Unknown", at and at.astimezone(UTC))
