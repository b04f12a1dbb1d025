"""What a run works with: the Blocks and the settings that `flows.setup` saved, loaded together."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from prefect import get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import BlockDocument
from prefect.exceptions import ObjectNotFound
from prefect.types import SecretDict
from prefect.variables import Variable
from pydantic import BaseModel, SecretStr, ValidationError

from flows.running.home import home_folder
from schemas.blocks import BLOCK_NAME, GraderApi
from schemas.settings import VARIABLE, Settings
from tasks.database import embedded_database, open_engine
from tasks.errors import InvalidInputError

if TYPE_CHECKING:
    from prefect_email import EmailServerCredentials
    from prefect_sqlalchemy import SqlAlchemyConnector
    from sqlalchemy.engine import Engine


_CLASSES: Final = {
    "grader-api": ("schemas.blocks", "GraderApi"),
    "sqlalchemy-connector": ("prefect_sqlalchemy", "SqlAlchemyConnector"),
    "email-server-credentials": ("prefect_email", "EmailServerCredentials"),
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
        blocks = (self.api, self.database, self.google, self.mail)
        return {secret for block in blocks if block is not None for secret in _find_secrets(block)}


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
        _ = settings.time_zone
    except (ValidationError, KeyError, ValueError):
        raise InvalidInputError(f"the Variable {VARIABLE} cannot be read: run python -m flows.setup again") from None
    return Configuration(
        settings,
        api,
        database=_load("sqlalchemy-connector"),
        google=_load_google_key() if settings.spreadsheet_id else None,
        mail=_load("email-server-credentials") if settings.email_to else None,
    )


def _load(block_type: str) -> Any:
    """The Block of that type; None if none was saved. Its class is imported only then."""
    if _find(block_type) is None:
        return None
    module, name = _CLASSES[block_type]
    return getattr(importlib.import_module(module), name).load(BLOCK_NAME)


def _load_google_key() -> SecretDict | None:
    """The key in the Block of the service account, empty if it holds none; None if no Block was saved."""
    block = _find("gcp-credentials")
    return None if block is None else SecretDict(block.data.get("service_account_info") or {})


def _find(block_type: str) -> BlockDocument | None:
    with get_client(sync_client=True) as client:
        try:
            return client.read_block_document_by_name(BLOCK_NAME, block_type)
        except ObjectNotFound:
            return None


@contextmanager
def open_database(configuration: Configuration) -> "Iterator[Engine]":
    """The database that is configured, or the embedded one, its schema up to date.

    Raises:
        CodegraderError: see `tasks.database.open_engine`.
    """
    connector = configuration.database
    if connector is None:
        folder = home_folder() / "postgres"
        get_run_logger().info("no database Block: the embedded PostgreSQL in %s is used", folder)
        connector = embedded_database(folder)
    engine = open_engine(connector)
    try:
        yield engine
    finally:
        engine.dispose()


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
