"""Setup: reads `.env`, checks it as a whole, tries every service, and makes all that runs need."""

import logging
import sys
from functools import partial
from pathlib import Path
from typing import Final

from flows.command_line import DONE, FAILED, Switch, run_command
from flows.installing.environment import read_environment
from tasks.errors import InvalidInputError

STOPPED: Final = "Stopped. Give the same command again."
REFUSED: Final = (
    "Nothing was saved. Do what the FAILED lines say, or leave that service's lines in .env empty to do without it for "
    "now; then run this again."
)
NEXT: Final = """
Next:
  {bin}/codegrader etl       load yesterday; with --start-date and --end-date, those days
  {bin}/codegrader status    see what is loaded, missing and rejected"""
ALONE: Final = "  {bin}/codegrader up        run every night, with a dashboard, until Ctrl-C"
WITH_SERVER: Final = "  {bin}/prefect worker start --pool {pool}    if no worker runs yet: do what is scheduled"


def run(*, env_file: Path | None = None, check: Switch = False, import_legacy: Switch = False) -> int:
    """Tries every service that .env names, then saves what it says and makes all that runs need.

    Once, and again after each change of .env; nothing else reads that file.

    Args:
        env_file: The file to read. Default: .env in this folder, or else in the checkout.
        check: Only try the services; save nothing.
        import_legacy: Also copy the earlier script's table user_config.
    """
    if check and import_legacy:
        raise InvalidInputError("--check saves nothing, and --import-legacy does: choose one of them")
    environment = read_environment(env_file)
    # Only now: Prefect reads a `.env` of this folder when it is imported, and stumbles over one that cannot be read.
    from flows.installing.blocks import configure
    from flows.installing.server_objects import WORK_POOL, set_up
    from flows.installing.service_checks import check_services
    from flows.running.foreground import in_foreground
    from flows.running.server import check_prefect_home, names_server, temporary_server

    # Here each line is the outcome of a step, and that a connection pool was made is none, in whatever log.
    logging.getLogger("prefect.SqlAlchemyConnector").setLevel(logging.WARNING)
    if not check:
        check_prefect_home()
    configuration = configure(environment)
    all_work = True
    with in_foreground(STOPPED):
        for works, line in check_services(configuration):
            print(line, flush=True)
            all_work &= works
        if check:
            return DONE if all_work else FAILED
        if not all_work:
            print(REFUSED, file=sys.stderr)
            return FAILED
        with temporary_server():
            for line in set_up(configuration, with_legacy=import_legacy):
                print(line, flush=True)
        text = f"{NEXT}\n{WITH_SERVER if names_server() else ALONE}"
        print(text.format(bin=Path(sys.executable).parent, pool=WORK_POOL))
    return DONE


main: Final = partial(run_command, run, "setup")

if __name__ == "__main__":
    sys.exit(main())
