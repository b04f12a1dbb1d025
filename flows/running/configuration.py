"""What a run works with: the Blocks and the settings that `flows.setup` saved, loaded together."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import BlockDocument
from prefect.exceptions import ObjectNotFound
from prefect.types import SecretDict
from prefect.utilities.importtools import from_qualified_name
from prefect.variables import Variable
from pydantic import BaseModel, SecretStr

from flows.running.home import home_folder, home_path
from schemas.blocks import BLOCK_NAME, GraderApi
from schemas.settings import VARIABLE, Settings
from tasks.database import embedded_database, open_as_it_is, open_engine
from tasks.errors import InvalidInputError, PermanentError

if TYPE_CHECKING:
    from prefect_email import EmailServerCredentials
    from prefect_sqlalchemy import SqlAlchemyConnector
    from sqlalchemy.engine import Engine

_CLASSES: Final = {
    "grader-api": "schemas.blocks.GraderApi",
    "sqlalchemy-connector": "prefect_sqlalchemy.SqlAlchemyConnector",
    "email-server-credentials": "prefect_email.EmailServerCredentials",
}


@dataclass(frozen=True)
class Configuration:
    """Blocks and settings; a Block that was not saved is None, and its step does without.

    Attributes:
        google: the service account's key, out of its Block: to import that Block's class takes a second in every run.
    """

    settings: Settings
    api: GraderApi
    database: "SqlAlchemyConnector | None"
    google: SecretDict | None
    mail: "EmailServerCredentials | None"

    def secrets(self) -> set[str]:
        """Every secret of the Blocks, for the logs to hide."""
        return {
            secret for block in (self.api, self.database, self.google, self.mail) for secret in _find_secrets(block)
        }


def load_configuration() -> Configuration:
    """Loads what `flows.setup` saved.

    Raises:
        InvalidInputError: there is no `grader-api` Block, or the settings cannot be read.
    """
    api = _load("grader-api")
    if api is None:
        raise InvalidInputError(
            "nothing is set up yet (there is no Block grader-api/codegrader): "
            "copy .env.example to .env, fill it in and run: python -m flows.setup"
        )
    try:
        settings = Settings.model_validate(Variable.get(VARIABLE, default={}))
    except ValueError:
        raise InvalidInputError(f"the Variable {VARIABLE} cannot be read: run python -m flows.setup again") from None
    key = find_block("gcp-credentials") if settings.spreadsheet_id else None
    return Configuration(
        settings,
        api,
        database=_load("sqlalchemy-connector"),
        google=SecretDict(key.data.get("service_account_info") or {}) if key else None,
        mail=_load("email-server-credentials") if settings.email_to else None,
    )


def _load(block_type: str) -> Any:
    """The Block of that type; None if none was saved. Its class is imported only then."""
    return find_block(block_type) and from_qualified_name(_CLASSES[block_type]).load(BLOCK_NAME)


def find_block(block_type: str) -> BlockDocument | None:
    """What was saved as the Block of that type; None if nothing was."""
    with get_client(sync_client=True) as client:
        try:
            return client.read_block_document_by_name(BLOCK_NAME, block_type)
        except ObjectNotFound:
            return None


def _find_secrets(value: Any) -> Iterator[str]:
    """Every text that a Block, or a model inside it, keeps as a secret."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, SecretDict):
        # A service account's key file: most of its fields are addresses that a log may show.
        yield from (text for name, text in value.get_secret_value().items() if name.startswith("private_key"))
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _find_secrets(getattr(value, name))


def find_database(configuration: Configuration, *, making: bool = True) -> "SqlAlchemyConnector":
    """How to connect to the user's database, or to the embedded one, which is started.

    Raises:
        PermanentError: it does not start, or there is none yet and it is not to be made.
    """
    if configuration.database is not None:
        return configuration.database
    folder = home_path() / "postgres"
    if making:
        home_folder()
    elif not (folder / "PG_VERSION").exists():
        raise PermanentError(f"there is no database in {folder} yet: run codegrader setup, or set CODEGRADER_HOME")
    return embedded_database(folder)


@contextmanager
def open_database(configuration: Configuration, *, as_it_is: bool = False) -> "Iterator[Engine]":
    """Connections to the database that is configured, or to the embedded one, its schema up to date.

    Args:
        as_it_is: only to look: neither a folder nor a table is made.
    """
    connector = find_database(configuration, making=not as_it_is)
    engine = open_as_it_is(connector) if as_it_is else open_engine(connector)
    try:
        yield engine
    finally:
        engine.dispose()
