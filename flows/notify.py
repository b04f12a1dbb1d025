"""Tells the readers of what no run can tell: that one has died with its worker, or that none has come.

Started by the automations that `flows.setup` makes: when a run's heartbeats stop, or when a day is late.
"""

from uuid import UUID

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from flows.running.failure import tell_of
from schemas.wording import NOTICE_DIED, NOTICE_LATE


@flow(name="codegrader-notify")
def codegrader_notify(flow_run_id: str | None = None) -> bool:
    """Writes the mail about a run that has died, unless one was written; or about daily runs that stay away.

    Args:
        flow_run_id: The id of the run that has died, which ends its page's address. Empty: the data are late.

    Returns:
        Whether a mail was sent.
    """
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(flow_run_id or flow_run.get_id()))
    daily = run.model_copy(update={"name": "codegrader-etl/daily"})
    sent = tell_of(run, NOTICE_DIED) if flow_run_id else tell_of(daily, NOTICE_LATE)
    get_run_logger().info("%s: %s", run.name, "the readers were told" if sent else "no mail was due")
    return sent
