"""Makes all that runs need: the database's schema, and on Prefect's server Blocks, deployments and what serves them.

Making them again changes nothing, and what a user has changed in the dashboard stays.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import get_current_settings

from flows.installing.blocks import save
from flows.installing.environment import CHECKOUT
from flows.running.configuration import Configuration, open_database
from flows.running.server import names_server, translate_server_errors
from tasks.errors import PermanentError
from tasks.grader_api import CONCURRENCY_LIMIT, MAX_CONNECTIONS

WORK_POOL: Final = "codegrader"
NOTIFY: Final = "codegrader-notify/notify"
DEPLOYMENTS: Final = ("codegrader-etl/daily", "codegrader-backfill/backfill", NOTIFY)
DEPLOY: Final = "prefect --no-prompt deploy --all"
FLOWS: Final = ["codegrader-etl", "codegrader-backfill"]
RUNS: Final = {"prefect.resource.id": "prefect.flow-run.*"}
A_RUN_HAS_DIED: Final = "codegrader: a run has died"
TELL_OF_IT: Final = "codegrader: tell of a run that has died"
A_DAY_IS_LATE: Final = "codegrader: a day is late"
LATE_AFTER: Final = timedelta(hours=26)
"""A day, and two hours for a run that begins or takes longer than the one before."""
SILENCE: Final = timedelta(minutes=10)
"""Longer than three of the heartbeats that Prefect sends by default, one in three minutes."""
DIED: Final = "it gave no sign of life for too long: see that the worker's machine is up and that the worker runs there"


def set_up(configuration: Configuration, *, deploying: bool = False, with_legacy: bool = False) -> Iterator[str]:
    """Saves and makes all that runs need, and brings the database's schema up to date; again, and nothing changes.

    Args:
        deploying: makes the deployments also if they are there, since the checkout may have changed.
        with_legacy: copies the rows of the earlier script's table, too.

    Yields:
        A line for each thing, once it is done.

    Raises:
        CodegraderError: something cannot be done; what was told before is done all the same.
    """
    with translate_server_errors(), get_client(sync_client=True) as client:
        yield save(configuration)
        yield create_concurrency_limit(client)
        # A temporary server needs no more: nobody works there, or looks at a dashboard.
        if names_server():
            yield create_work_pool(client)
            yield create_deployments(client, always=deploying)
            yield from put_automations(client, is_expected=configuration.settings.expected_by is not None)
    with open_database(configuration) as engine:
        yield "database schema: up to date"
        if with_legacy:
            from flows.installing.legacy import import_legacy
            from tasks.days_off import find_days_off

            settings = configuration.settings
            yield from import_legacy(engine, settings.time_zone, find_days_off(settings.holidays))


def create_concurrency_limit(client: SyncPrefectClient) -> str:
    """Makes the limit that all workers share; one of that name is left as it is."""
    # Looked for first: to make one that is there makes the server log a traceback.
    if CONCURRENCY_LIMIT not in {one.name for one in client.read_global_concurrency_limits()}:
        with suppress(ObjectAlreadyExists):
            limit = GlobalConcurrencyLimitCreate(name=CONCURRENCY_LIMIT, limit=MAX_CONNECTIONS)
            client.create_global_concurrency_limit(limit)
    return f"concurrency limit: {CONCURRENCY_LIMIT}"


def create_work_pool(client: SyncPrefectClient) -> str:
    """Makes the work pool, of type process; one of that name is left as it is."""
    from prefect.workers.process import ProcessWorker

    template = ProcessWorker.get_default_base_job_template()
    with suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=WORK_POOL, type="process", base_job_template=template))
    return f"work pool: {WORK_POOL}"


def create_deployments(client: SyncPrefectClient, *, always: bool) -> str:
    """Makes all deployments of `prefect.yaml`, by Prefect's own command.

    If all are there they are left as they are, as the dashboard or another checkout has made them, unless `always`.

    Raises:
        PermanentError: it failed; what it said is printed.
    """
    if not always and {one.name for one in client.read_deployments()} >= {
        name.partition("/")[2] for name in DEPLOYMENTS
    }:
        return f"deployments: there already; to make them again from prefect.yaml: {DEPLOY}"
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
    return f"deployments: {', '.join(DEPLOYMENTS)}, created"


def put_automations(client: SyncPrefectClient, *, is_expected: bool) -> Iterator[str]:
    """Makes the automations, or brings those of their names up to date; one that was switched off stays so.

    Args:
        is_expected: each day is waited for, and an automation tells if it does not come; else there is none.
    """
    notify = client.read_deployment_by_name(NOTIFY).id
    wanted = {
        A_RUN_HAS_DIED: a_run_has_died(),
        TELL_OF_IT: tell_of_it(notify),
        A_DAY_IS_LATE: a_day_is_late(notify) if is_expected else None,
    }
    for name, automation in wanted.items():
        there = client.read_automations_by_name(name)
        if automation:
            automation.enabled = all(one.enabled for one in there)
        # The same is left alone: what takes its place knows nothing of the runs that it was watching.
        if [AutomationCore.model_validate(one.model_dump()) for one in there] == [automation]:
            yield f'automation "{name}": there already'
            continue
        for one in there:
            client.delete_automation(one.id)
        if automation:
            client.create_automation(automation)
            yield f'automation "{name}": {"updated" if there else "created"}'
        elif there:
            yield f'automation "{name}": removed'


def a_run_has_died() -> AutomationCore:
    """Marks a run as crashed when neither its process nor its worker is left to do so.

    Any event of a run is a sign of life, and the last one either ends the run or begins the wait for the next.
    """
    alive = ("Pending", "Submitting", "InfrastructurePending", "Running", "Retrying", "heartbeat")
    return _automation(
        A_RUN_HAS_DIED,
        ChangeFlowRunState(state=StateType.CRASHED, name="Crashed", message=DIED),
        within=SILENCE,
        after={f"prefect.flow-run.{name}" for name in alive},
        expect={"prefect.flow-run.*"},
    )


def tell_of_it(deployment_id: UUID) -> AutomationCore:
    """Starts the deployment that writes the mail about a dead run.

    Not an action of the other automation, which is mistaken where a heartbeat arrives after the run's end. The server
    then refuses to mark the run as crashed, but would start the deployment all the same.
    """
    run_id = {"__prefect_kind": "jinja", "template": "{{ flow_run.id }}"}
    return _automation(
        TELL_OF_IT,
        RunDeployment(deployment_id=deployment_id, parameters={"flow_run_id": run_id}),
        match=ResourceSpecification(RUNS | {"prefect.state-message": DIED}),
        expect={"prefect.flow-run.Crashed"},
    )


def a_day_is_late(deployment_id: UUID) -> AutomationCore:
    """Starts the deployment that writes a mail when no daily run has succeeded for more than a day."""
    return _automation(
        A_DAY_IS_LATE,
        RunDeployment(deployment_id=deployment_id, parameters={"flow_run_id": None}),
        match_related=ResourceSpecification({"prefect.resource.role": "deployment", "prefect.resource.name": "daily"}),
        for_each=set(),
        within=LATE_AFTER,
        expect={"prefect.flow-run.Completed"},
    )


def _automation(name: str, action: ChangeFlowRunState | RunDeployment, **trigger: Any) -> AutomationCore:
    """On each of our runs, if `trigger` does not say otherwise; it acts on an event, or on silence `within` a time."""
    usual = {
        "match": ResourceSpecification(RUNS),
        "match_related": ResourceSpecification({"prefect.resource.role": "flow", "prefect.resource.name": FLOWS}),
        "for_each": {"prefect.resource.id"},
        "posture": Posture.Proactive if "within" in trigger else Posture.Reactive,
        "within": timedelta(0),
    }
    return AutomationCore(name=name, trigger=EventTrigger(threshold=1, **usual | trigger), actions=[action])
