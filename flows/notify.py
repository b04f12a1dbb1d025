"""Tells the readers of a run whose process and worker have died, and which therefore cannot do so itself.

Started by the automation that `flows.setup` makes, when a run's heartbeats stop.
"""

from uuid import UUID

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client

from flows.running.failure import tell_of

REASON = (
    "its process stopped giving signs of life, and so did its worker: see that the worker's machine is up and that "
    "the worker runs there"
)


@flow(name="codegrader-notify")
def codegrader_notify(flow_run_id: str) -> bool:
    """Writes the mail about a run that has died, unless one was written.

    Args:
        flow_run_id: The run's id.

    Returns:
        Whether a mail was sent.
    """
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(flow_run_id))
    sent = tell_of(run, REASON)
    get_run_logger().info("%s: %s", run.name, "the readers were told" if sent else "no mail was due")
    return sent
