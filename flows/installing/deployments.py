"""The deployments that `prefect.yaml` names, made by Prefect's own command."""

import os
import subprocess
import sys
from typing import Final

from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from flows.installing.env_file import CHECKOUT
from tasks.errors import PermanentError

NOTIFY: Final = "codegrader-notify/notify"
DEPLOYMENTS: Final = ("codegrader-etl/daily", "codegrader-backfill/backfill", NOTIFY)
COMMAND: Final = "prefect --no-prompt deploy --all"


def create_deployments(client: SyncPrefectClient) -> str:
    """Makes the deployments, unless all are there: what was edited in the dashboard, or is another checkout's, stays.

    Raises:
        PermanentError: see `deploy`.
    """
    missing = [name for name in DEPLOYMENTS if not _is_there(client, name)]
    if not missing:
        return f"deployments: there already; to make them again from prefect.yaml: {COMMAND}"
    deploy()
    return f"deployments: {', '.join(missing)}, created"


def deploy() -> None:
    """Makes all deployments as the file says, whatever is there; what the command says is of interest only if it fails.

    Raises:
        PermanentError: it failed.
    """
    done = subprocess.run(  # noqa: S603
        (sys.executable, "-m", *COMMAND.split()),
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
        raise PermanentError(f"`{COMMAND}` in {CHECKOUT} failed, see above")


def _is_there(client: SyncPrefectClient, name: str) -> bool:
    try:
        client.read_deployment_by_name(name)
    except ObjectNotFound:
        return False
    return True
