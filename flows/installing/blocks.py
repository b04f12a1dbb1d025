"""From `.env` to what a run works with: Blocks and settings, made first, tried by setup, and then saved."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectAlreadyExists
from prefect.types import SecretDict
from prefect.variables import Variable
from pydantic import SecretStr

from flows.installing.environment import Environment
from flows.running.configuration import Configuration, find_block
from schemas.blocks import BLOCK_NAME, GraderApi
from schemas.settings import VARIABLE, Settings

if TYPE_CHECKING:
    from prefect_sqlalchemy import SqlAlchemyConnector

TRIES: Final = 10
"""More than the objects of which one Block consists: its types and schemas, and those of the Blocks inside it."""
CONNECT_TIMEOUT_S: Final = 10


def configure(environment: Environment) -> Configuration:
    """Makes the Blocks and settings that a run would load, had they been saved."""
    from prefect_email import EmailServerCredentials

    key = environment.google_service_account_file
    return Configuration(
        settings=Settings(**environment.model_dump(include=set(Settings.model_fields))),
        api=GraderApi(
            url=environment.grader_api_url, client=environment.grader_client, client_key=environment.grader_client_key
        ),
        database=_database(environment.database_url.get_secret_value()) if environment.database_url else None,
        google=SecretDict(key.get_secret_value()) if key else None,
        mail=EmailServerCredentials(
            smtp_server=environment.smtp_server,
            smtp_port=environment.smtp_port,
            smtp_type=environment.smtp_type,
            username=environment.smtp_username,
            password=environment.smtp_password or SecretStr(""),
        )
        if environment.email_to
        else None,
    )


def _database(address: str) -> "SqlAlchemyConnector":
    """The Block of the database, in parts: of an address as a whole, the dashboard would show the password."""
    from prefect_sqlalchemy import ConnectionComponents, SqlAlchemyConnector, SyncDriver
    from sqlalchemy.engine import make_url

    url = make_url(address)
    query = {name: str(value) for name, value in url.query.items()}
    # PostgreSQL takes the password there too, and of the rest of an address nothing is kept secret.
    password = query.pop("password", None)
    return SqlAlchemyConnector(
        connection_info=ConnectionComponents(
            driver=SyncDriver.POSTGRESQL_PSYCOPG2,
            username=url.username,
            password=url.password or password,
            host=url.host,
            port=url.port,
            database=url.database,
            query=query,
        ),
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
    )


def save(configuration: Configuration) -> str:
    """Saves Blocks and settings, and says which; again changes nothing. A Block that is no longer named is deleted."""
    google = None
    if configuration.google:
        from prefect_gcp import GcpCredentials

        google = GcpCredentials(service_account_info=configuration.google)
    blocks = {
        "grader-api": configuration.api,
        "sqlalchemy-connector": configuration.database,
        "gcp-credentials": google,
        "email-server-credentials": configuration.mail,
    }
    for block_type, block in blocks.items():
        if block:
            _make(partial(block.save, BLOCK_NAME, overwrite=True))
        elif former := find_block(block_type):
            with get_client(sync_client=True) as client:
                client.delete_block_document(former.id)
    _make(partial(Variable.set, VARIABLE, configuration.settings.model_dump(mode="json"), overwrite=True))
    return f"saved: the settings, and {', '.join(name for name, block in blocks.items() if block)}"


def _make(thing: Callable[[], object]) -> None:
    """Makes something on the Prefect server, and tries again if somebody else makes the same at this moment.

    Prefect looks whether a thing is there, and only then makes it. In between, another setup may have made it, or the
    server itself, which registers Block types when it starts. The next try finds it.
    """
    for _ in range(TRIES):
        with suppress(ObjectAlreadyExists):
            thing()
            return
    thing()
