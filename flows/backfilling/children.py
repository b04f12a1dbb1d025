"""Child runs: the runs of the deployment that load a backfill's chunks: started, found again, watched.

One whose worker dies is marked as crashed by an automation, see `flows.installing.server_objects`.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, State, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
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
        self._has_warned = False
        try:
            self._deployment = client.read_deployment_by_name(DEPLOYMENT)
        except ObjectNotFound:
            raise InvalidInputError(
                f"the deployment {DEPLOYMENT} is not on this Prefect server: run: prefect --no-prompt deploy --all"
            ) from None

    def find_active(self) -> dict[str, FlowRun]:
        """The runs that are not at their end, by each of their tags, of which one is the chunk's name."""
        ours = {"deployment_id": {"any_": [self._deployment.id]}, "tags": {"all_": self._tags}}
        active = FlowRunFilter.model_validate({**ours, "state": {"type": {"any_": ACTIVE}}})
        return {tag: run for run in self._client.read_flow_runs(flow_run_filter=active) for tag in run.tags}

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
        """The states of these runs; none while the server cannot be reached."""
        try:
            runs = self._client.read_flow_runs(
                flow_run_filter=FlowRunFilter.model_validate({"id": {"any_": list(ids)}})
            )
        except httpx.TransportError as error:
            get_run_logger().warning("the Prefect server cannot be reached (%s): waiting for it", type(error).__name__)
            return {}
        self._warn_of_waiting(runs)
        states: dict[UUID, State] = dict.fromkeys(ids, Crashed(message="the run was deleted"))
        return states | {run.id: run.state for run in runs if run.state}

    def _warn_of_waiting(self, runs: Collection[FlowRun]) -> None:
        """Says once that runs are not started, until they are."""
        now = datetime.now(UTC)
        scheduled = [run for run in runs if run.state and run.state.is_scheduled()]
        waiting = [run for run in scheduled if (run.expected_start_time or run.created or now) < now - START_PATIENCE]
        if waiting and not self._has_warned:
            get_run_logger().warning(
                "%d child runs wait for a worker: there is none, or all are busy; to start one more: "
                "prefect worker start --pool %s",
                len(waiting),
                self._deployment.work_pool_name,
            )
        self._has_warned = bool(waiting)
