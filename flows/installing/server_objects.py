"""Makes all that runs need: the database's schema, and on Prefect's server Blocks, deployments and what serves them.

Making them again changes nothing, and what a user has changed in the dashboard stays.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import get_current_settings

from flows.installing.blocks import make, save
from flows.installing.environment import CHECKOUT
from flows.running.configuration import Configuration, open_database
from flows.running.server import names_server, translate_server_errors
from schemas.blocks import GraderApi
from tasks.errors import PermanentError
from tasks.grader_api import CONCURRENCY_LIMIT, MAX_CONNECTIONS

if TYPE_CHECKING:
    from prefect.blocks.core import Block

WORK_POOL: Final = "codegrader"
NOTIFY: Final = "codegrader-notify/notify"
DEPLOYMENTS: Final = ("codegrader-etl/daily", "codegrader-backfill/backfill", NOTIFY)
DEPLOY: Final = "prefect --no-prompt deploy --all"
FLOWS: Final = ["codegrader-etl", "codegrader-backfill"]
A_RUN_HAS_DIED: Final = "codegrader: a run has died"
TELL_OF_IT: Final = "codegrader: tell of a run that has died"
A_DAY_IS_LATE: Final = "codegrader: a day is late"
LATE_AFTER: Final = timedelta(hours=26)
"""A day, and two hours for a run that begins or takes longer than the one before."""
SILENCE: Final = timedelta(minutes=10)
"""Longer than three of the heartbeats that Prefect sends by default, one in three minutes."""
DIED: Final = "it gave no sign of life for too long: see that the worker's machine is up and that the worker runs there"


def set_up(configuration: Configuration, *, with_legacy: bool = False) -> Iterator[str]:
    """Saves and makes all that runs need, and brings the database's schema up to date; again, and nothing changes.

    Args:
        with_legacy: copies the rows of the earlier script's table, too.

    Yields:
        A line for each thing, once it is done.

    Raises:
        CodegraderError: something cannot be done; what was told before is done all the same.
    """
    with translate_server_errors():
        yield save(configuration)
        yield from create_server_objects(is_expected=configuration.settings.expected_by is not None)
    with open_database(configuration) as engine:
        yield "database schema: up to date"
        if with_legacy:
            from flows.installing.legacy import import_legacy
            from tasks.days_off import find_days_off

            settings = configuration.settings
            yield from import_legacy(engine, settings.time_zone, find_days_off(settings.holidays))


def create_server_objects(*, is_expected: bool = False) -> Iterator[str]:
    """Makes what is missing, and tells it in lines.

    A temporary server needs the limit alone: nobody works there, or looks at a dashboard.

    Args:
        is_expected: each day is waited for, and an automation tells if it does not come; else there is none.
    """
    with get_client(sync_client=True) as client:
        yield create_concurrency_limit(client)
        if names_server():
            yield register_block_types()
            yield create_work_pool(client)
            yield create_deployments(client)
            yield put_automation(client, a_run_has_died())
            notify = client.read_deployment_by_name(NOTIFY).id
            yield put_automation(client, tell_of_it(notify))
            if is_expected:
                yield put_automation(client, a_day_is_late(notify))
            else:
                yield from remove_automation(client, A_DAY_IS_LATE)


def register_block_types() -> str:
    """Registers the four Block types, also those of which no Block is saved, so that the dashboard can offer them."""
    from prefect_email import EmailServerCredentials
    from prefect_gcp import GcpCredentials
    from prefect_sqlalchemy import SqlAlchemyConnector

    types: list[type[Block]] = [GraderApi, SqlAlchemyConnector, GcpCredentials, EmailServerCredentials]
    for block in types:
        make(block.register_type_and_schema)
    return f"block types: {', '.join(block.get_block_type_slug() for block in types)}"


def create_work_pool(client: SyncPrefectClient) -> str:
    """Makes the work pool, of type process; one of that name is left as it is."""
    from prefect.workers.process import ProcessWorker

    template = ProcessWorker.get_default_base_job_template()
    try:
        client.create_work_pool(WorkPoolCreate(name=WORK_POOL, type="process", base_job_template=template))
    except ObjectAlreadyExists:
        return f"work pool: {WORK_POOL}, there already"
    return f"work pool: {WORK_POOL}, created"


def create_deployments(client: SyncPrefectClient) -> str:
    """Makes the deployments, unless all are there: what the dashboard or another checkout has made of them stays."""
    missing = []
    for name in DEPLOYMENTS:
        try:
            client.read_deployment_by_name(name)
        except ObjectNotFound:
            missing.append(name)
    if not missing:
        return f"deployments: there already; to make them again from prefect.yaml: {DEPLOY}"
    deploy()
    return f"deployments: {', '.join(missing)}, created"


def deploy() -> None:
    """Makes all deployments of `prefect.yaml`, whatever is there, by Prefect's own command.

    Raises:
        PermanentError: it failed; what it said is printed.
    """
    done = subprocess.run(  # noqa: S603
        (sys.executable, "-m", *DEPLOY.split()),
        # Where the file is, and where a worker will find the flows: this folder is noted in the deployments.
        cwd=CHECKOUT,
        env=os.environ | get_current_settings().to_environment_variables(exclude_unset=True),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        check=False,
    )
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
        raise PermanentError(f"`{DEPLOY}` in {CHECKOUT} failed, see above")


def create_concurrency_limit(client: SyncPrefectClient) -> str:
    """Makes the limit that all workers share; one of that name is left as it is."""

    def find_or_create() -> str:
        try:
            # Read first: to make one that is there makes the server log a traceback.
            limit = client.read_global_concurrency_limit_by_name(CONCURRENCY_LIMIT).limit
        except ObjectNotFound:
            client.create_global_concurrency_limit(
                GlobalConcurrencyLimitCreate(name=CONCURRENCY_LIMIT, limit=MAX_CONNECTIONS)
            )
            return f"created, {MAX_CONNECTIONS} requests at once"
        return f"there already, {limit} requests at once"

    return f"concurrency limit: {CONCURRENCY_LIMIT}, {make(find_or_create)}"


def a_run_has_died() -> AutomationCore:
    """Marks a run as crashed when neither its process nor its worker is left to do so.

    Any event of a run is a sign of life, and the last one either ends the run or begins the wait for the next.
    """
    alive = ("Pending", "Submitting", "InfrastructurePending", "Running", "Retrying", "heartbeat")
    return AutomationCore(
        name=A_RUN_HAS_DIED,
        description="Marks a run as crashed that has given no sign of life for a while.",
        trigger=_trigger(
            Posture.Proactive,
            SILENCE,
            after={f"prefect.flow-run.{name}" for name in alive},
            expect={"prefect.flow-run.*"},
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, name="Crashed", message=DIED)],
    )


def tell_of_it(deployment_id: UUID) -> AutomationCore:
    """Starts the deployment that writes the mail about a dead run.

    Not an action of the other automation, which is mistaken where a heartbeat arrives after the run's end. The server
    then refuses to mark the run as crashed, but would start the deployment all the same.
    """
    run_id = {"__prefect_kind": "jinja", "template": "{{ flow_run.id }}"}
    return AutomationCore(
        name=TELL_OF_IT,
        description="Sends a mail about a run that was marked as crashed because it gave no sign of life.",
        trigger=_trigger(
            Posture.Reactive, timedelta(0), match={"prefect.state-message": DIED}, expect={"prefect.flow-run.Crashed"}
        ),
        actions=[RunDeployment(deployment_id=deployment_id, parameters={"flow_run_id": run_id})],
    )


def a_day_is_late(deployment_id: UUID) -> AutomationCore:
    """Starts the deployment that writes a mail when no daily run has succeeded for more than a day."""
    return AutomationCore(
        name=A_DAY_IS_LATE,
        description="Sends a mail when no run of codegrader-etl/daily has succeeded for 26 hours.",
        trigger=EventTrigger(
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification(
                {"prefect.resource.role": "deployment", "prefect.resource.name": "daily"}
            ),
            expect={"prefect.flow-run.Completed"},
            posture=Posture.Proactive,
            threshold=1,
            within=LATE_AFTER,
        ),
        actions=[RunDeployment(deployment_id=deployment_id, parameters={"flow_run_id": None})],
    )


def _trigger(
    posture: Posture, within: timedelta, match: dict[str, str] | None = None, **events: set[str]
) -> EventTrigger:
    """A trigger on events of one of our runs."""
    return EventTrigger(
        match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*", **(match or {})}),
        match_related=ResourceSpecification({"prefect.resource.role": "flow", "prefect.resource.name": FLOWS}),
        for_each={"prefect.resource.id"},
        posture=posture,
        threshold=1,
        within=within,
        **events,
    )


def put_automation(client: SyncPrefectClient, wanted: AutomationCore) -> str:
    """Makes the automation, or brings the one of that name up to date; one that was switched off stays so."""
    # With its defaults, since an update leaves out what was not named, but for the owner, which it must not name.
    wanted = AutomationCore.model_validate(wanted.model_dump(exclude={"owner_resource"}))
    outcome = "there already"
    if not client.read_automations_by_name(wanted.name):
        client.create_automation(wanted)
        outcome = "created"
    # Two setups at once each make one, since the server lets two have one name.
    there, *others = sorted(client.read_automations_by_name(wanted.name), key=lambda automation: automation.id)
    for other in others:
        with suppress(httpx.HTTPStatusError):  # the other setup has deleted it
            client.delete_automation(other.id)
    wanted.enabled = there.enabled
    # An update forgets the runs that are being watched.
    if AutomationCore.model_validate(there.model_dump()) != wanted:
        client.update_automation(there.id, wanted)
        outcome = "updated"
    return f'automation "{wanted.name}": {outcome}'


def remove_automation(client: SyncPrefectClient, name: str) -> Iterator[str]:
    """Deletes the automation of that name, and tells it if there was one."""
    for automation in client.read_automations_by_name(name):
        client.delete_automation(automation.id)
        yield f'automation "{name}": removed'
