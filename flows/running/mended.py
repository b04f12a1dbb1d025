"""What the run before this one failed at: the next good run says that it is mended."""

from typing import Any, Final
from zoneinfo import ZoneInfo

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort
from prefect.context import FlowRunContext

from flows.running.failure import DATES
from flows.running.stages import REFUSED
from schemas.language import Language
from schemas.section import Headline
from schemas.wording import MENDED, MENDED_SHORT
from tasks.rendering import one_line

RECENT: Final = 50
"""So many runs are looked through: a backfill's parts may lie between."""
LONGEST_REASON: Final = 200


def find_mended(language: Language, time_zone: ZoneInfo) -> Headline | None:
    """What to say if this run, once it is good, mends what the one before it left undone; it asks the server once.

    That is the last finished run of the same deployment that was to do the same: the daily run, or these very dates.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None or run.deployment_id is None:
        return None
    try:
        before = _find_run_before(run)
    except Exception:  # noqa: BLE001 (the figures are published all the same)
        get_run_logger().warning("it is not known how the run before this one ended", exc_info=True)
        return None
    if before is None or before.state is None or before.state.is_completed():
        return None
    began = before.start_time or before.state.timestamp
    moment, reason = f"{began.astimezone(time_zone):%Y-%m-%d %H:%M}", before.state.message or before.state.name or "?"
    text = MENDED.to(language, run=one_line(before.name), moment=moment, reason=one_line(reason, LONGEST_REASON))
    return Headline(text, short=MENDED_SHORT.to(language))


def _find_run_before(this: FlowRun) -> FlowRun | None:
    finished = {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED"]}, "name": {"not_any_": [REFUSED]}}
    wanted = {"deployment_id": {"any_": [this.deployment_id]}, "state": finished}
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter.model_validate(wanted), sort=FlowRunSort.END_TIME_DESC, limit=RECENT
        )
    return next((run for run in runs if _read_dates(run) == _read_dates(this) and _is_whole(run)), None)


def _read_dates(run: FlowRun) -> list[Any]:
    return [run.parameters.get(name) for name in DATES]


def _is_whole(run: FlowRun) -> bool:
    """Not a part of a backfill, which tells of its parts."""
    return bool(run.parameters.get("publish", True))
