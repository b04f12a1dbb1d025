"""Child runs: the runs of the deployment that load a backfill's chunks: started, found again, watched."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, State, StateType, WorkerStatus
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from prefect.states import Crashed

from flows.backfilling.chunks import Chunk, to_parameters
from flows.running.trust import Limits
from tasks.errors import InvalidInputError

if TYPE_CHECKING:
    from schemas.period import Day

DEPLOYMENT: Final = "codegrader-etl/daily"
TAG: Final = "backfill"
REFRESH_TAG: Final = "refresh"
ACTIVE: Final = [kind for kind in StateType if kind not in TERMINAL_STATES]
START_PATIENCE: Final = timedelta(minutes=1)
PENDING_AT_MOST: Final = timedelta(minutes=10)
"""A run for which a worker has made nothing ready for so long was lost with its worker."""
MISSED_HEARTBEATS: Final = 3
"""A run that has missed so many heartbeats is dead: its worker, which would have said so, died as well."""


class ChildRuns:
    """The child runs of one backfill, and those that an earlier one has left under way.

    Args:
        limits: see the flow `codegrader-etl`.
        refresh: whether they ask the API again; then only runs that do so too are taken over from an earlier backfill.

    Raises:
        InvalidInputError: the deployment is not there.
    """

    def __init__(self, client: SyncPrefectClient, limits: Limits, *, refresh: bool) -> None:
        self._client = client
        self._tags = [TAG, REFRESH_TAG] if refresh else [TAG]
        self._parameters = {"refresh": refresh, "publish": False, **limits._asdict()}
        self._last_signs: dict[UUID, datetime] = {}
        self._has_warned = False
        try:
            self._deployment = client.read_deployment_by_name(DEPLOYMENT)
        except ObjectNotFound:
            raise InvalidInputError(
                f"the deployment {DEPLOYMENT} is not on this Prefect server: run: prefect --no-prompt deploy --all"
            ) from None

    def find_active(self) -> dict[str, FlowRun]:
        """The runs that are not at their end, by each of their tags, of which one is the chunk's name."""
        wanted = FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[self._deployment.id]),
            tags=FlowRunFilterTags(all_=self._tags),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=ACTIVE)),
        )
        return {tag: run for run in self._client.read_flow_runs(flow_run_filter=wanted) for tag in run.tags}

    def start(self, chunk: Chunk, first: "Day", last: "Day") -> FlowRun:
        """Has the days of a chunk from `first` to `last` loaded by whichever worker is free."""
        run = run_deployment(
            DEPLOYMENT,
            parameters=to_parameters(first, last, chunk.time_zone) | self._parameters,
            flow_run_name=str(chunk),
            tags=[*self._tags, str(chunk)],
            timeout=0,
            as_subflow=True,
        )
        assert isinstance(run, FlowRun), "in a synchronous flow, nothing is to be awaited"
        return run

    def read_states(self, ids: Collection[UUID]) -> dict[UUID, State]:
        """The states of these runs; none where the server cannot be reached for the moment."""
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=list(ids)))
        try:
            runs = self._client.read_flow_runs(flow_run_filter=wanted)
            for run in runs:
                self._bury_if_dead(run)
            self._warn_of_waiting(runs)
        except httpx.TransportError as error:
            get_run_logger().warning("the Prefect server cannot be reached (%s): waiting for it", type(error).__name__)
            return {}
        states: dict[UUID, State] = dict.fromkeys(ids, Crashed(message="the run was deleted"))
        return states | {run.id: run.state for run in runs if run.state}

    def _bury_if_dead(self, run: FlowRun) -> None:
        """Says that a run has crashed where nobody is left to say so; its place is then free for another one."""
        state, now = run.state, datetime.now(UTC)
        if state is None:
            return
        if state.is_pending():
            is_dead = now - state.timestamp > PENDING_AT_MOST
        else:
            is_dead = state.is_running() and self._is_silent(run.id, state.timestamp, now)
        if is_dead:
            self._client.set_flow_run_state(run.id, Crashed(message="no sign of life: the worker or its machine died"))

    def _is_silent(self, run_id: UUID, started_at: datetime, now: datetime) -> bool:
        limit = MISSED_HEARTBEATS * timedelta(seconds=get_current_settings().flows.heartbeat_frequency or 180)
        if now - self._last_signs.setdefault(run_id, started_at) <= limit:
            return False
        heartbeat = self._last_heartbeat(run_id)
        # Where not a single one was ever kept, heartbeats are switched off and their absence says nothing.
        self._last_signs[run_id] = heartbeat or now
        return now - self._last_signs[run_id] > limit

    def _last_heartbeat(self, run_id: UUID) -> datetime | None:
        from prefect.events.filters import EventFilter, EventNameFilter, EventOrder, EventResourceFilter

        wanted = EventFilter(
            event=EventNameFilter(name=["prefect.flow-run.heartbeat"]),
            resource=EventResourceFilter(id=[f"prefect.flow-run.{run_id}"]),
            order=EventOrder.DESC,
        )
        events = self._client.read_events(wanted, limit=1).events
        return events[0].received if events else None

    def _warn_of_waiting(self, runs: Collection[FlowRun]) -> None:
        """Says once why runs are not started, until they are."""
        latest = datetime.now(UTC) - START_PATIENCE
        waiting = [run for run in runs if run.state and run.state.is_scheduled() and _due(run) < latest]
        if waiting and not self._has_warned:
            pool = self._deployment.work_pool_name or ""
            workers = self._client.read_workers_for_work_pool(pool)
            online = sum(worker.status == WorkerStatus.ONLINE for worker in workers)
            reason = f"all {online} are busy or at their limit" if online else "there is none"
            get_run_logger().warning(
                "%d child runs have waited for a worker of the pool %s for a minute: %s; to start one more: "
                "prefect worker start --pool %s",
                len(waiting),
                pool,
                reason,
                pool,
            )
        self._has_warned = bool(waiting)


def _due(run: FlowRun) -> datetime:
    return run.expected_start_time or run.created or datetime.now(UTC)
