"""Setup: reads `.env`, checks it as a whole, and makes all that runs need, from the Blocks to the database's tables.

`python -m flows.setup`: once, and again after each change of `.env`. Nothing else reads that file.
"""

import argparse
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.variables import Variable

from flows.installing.environment import Environment, read_environment
from flows.installing.environment_blocks import configure, google_block
from flows.installing.legacy import import_legacy
from flows.installing.server_objects import create_server_objects, server_explained
from flows.installing.service_checks import check_services
from flows.running.home import check_prefect_home, home_folder
from schemas.blocks import BLOCK_NAME
from schemas.settings import VARIABLE
from tasks.database import embedded_database, open_engine
from tasks.errors import CodegraderError


def save(environment: Environment) -> list[str]:
    """Saves Blocks and settings; saving them again changes nothing. The Block of a service no longer named is deleted.

    Returns:
        A line for each service: what was set up, or what happens without it.

    Raises:
        InvalidInputError: a value cannot be used; nothing was saved.
    """
    configuration = configure(environment)
    configuration.api.save(BLOCK_NAME, overwrite=True)
    optional = {
        "sqlalchemy-connector": configuration.database,
        "gcp-credentials": google_block(configuration.google) if configuration.google else None,
        "email-server-credentials": configuration.mail,
    }
    for block_type, block in optional.items():
        if block is None:
            _delete(block_type)
        else:
            block.save(BLOCK_NAME, overwrite=True)
    Variable.set(VARIABLE, configuration.settings.model_dump(mode="json"), overwrite=True)
    return _describe(environment)


def _describe(environment: Environment) -> list[str]:
    readers = ", ".join(environment.email_to)
    return [
        f"grader API: {environment.grader_api_url}, client {environment.grader_client}",
        "database: PostgreSQL as named in DATABASE_URL"
        if environment.database_url
        else "database: none named, so the embedded PostgreSQL is used",
        f"Google Sheet: {environment.spreadsheet_id or 'none named, so that step is skipped'}",
        f"mail: {environment.smtp_server}, to {readers}" if readers else "mail: none named, so that step is skipped",
    ]


def _delete(block_type: str) -> None:
    with get_client(sync_client=True) as client:
        try:
            document = client.read_block_document_by_name(BLOCK_NAME, block_type)
        except ObjectNotFound:
            return
        client.delete_block_document(document.id)


def set_up(environment: Environment, *, with_legacy: bool = False) -> Iterator[str]:
    """Saves and makes all that runs need, and brings the database's schema up to date; again, and nothing changes.

    Args:
        with_legacy: copies the rows of the earlier script's table, too.

    Yields:
        A line for each thing, once it is done.

    Raises:
        CodegraderError: something cannot be done; what was told before is done all the same.
    """
    with server_explained():
        yield from save(environment)
        yield from create_server_objects()
    configuration = configure(environment)
    engine = open_engine(configuration.database or embedded_database(home_folder() / "postgres"))
    try:
        yield "database schema: up to date"
        if with_legacy:
            yield from import_legacy(engine, configuration.settings.time_zone)
    finally:
        engine.dispose()


def main(arguments: Sequence[str] | None = None) -> int:
    """Sets up once, or tries the services.

    Returns:
        0 if all was done, or works; 1 if not, and if `.env` cannot be used, nothing was.
    """
    parser = argparse.ArgumentParser(prog="python -m flows.setup", description=__doc__)
    parser.add_argument("--env-file", type=Path, default=Path(".env"), help="the file to read; default: .env")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--check", action="store_true", help="try every service, on what the file says; save nothing")
    either.add_argument(
        "--import-legacy", action="store_true", help="set up, and copy the earlier script's table user_config"
    )
    options = parser.parse_args(arguments)
    # Here each line is the outcome of a step, and that a connection pool was made is none.
    logging.getLogger("prefect.SqlAlchemyConnector").setLevel(logging.WARNING)
    try:
        environment = read_environment(options.env_file)
        if options.check:
            return _check(environment)
        check_prefect_home()
        for line in set_up(environment, with_legacy=options.import_legacy):
            print(line, flush=True)
    except CodegraderError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _check(environment: Environment) -> int:
    all_work = True
    for works, line in check_services(configure(environment)):
        print(line, flush=True)
        all_work &= works
    return 0 if all_work else 1


if __name__ == "__main__":
    sys.exit(main())
