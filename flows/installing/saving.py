"""What `.env` says, saved where every run finds it: secrets in Blocks, the rest in a Variable."""

from collections.abc import Callable
from typing import Final, TypeVar

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.variables import Variable

from flows.installing.environment import Environment
from flows.installing.environment_blocks import configure, google_block
from schemas.blocks import BLOCK_NAME
from schemas.settings import VARIABLE

Made = TypeVar("Made")
TRIES: Final = 10
"""More than the objects of which one Block consists: its types and schemas, and those of the Blocks inside it."""


def save(environment: Environment) -> str:
    """Saves Blocks and settings; saving them again changes nothing. The Block of a service no longer named is deleted.

    Returns:
        A line that says what was set up, and what is done without.

    Raises:
        InvalidInputError: a value cannot be used; nothing was saved.
    """
    configuration = configure(environment)
    blocks = {
        "grader-api": configuration.api,
        "sqlalchemy-connector": configuration.database,
        "gcp-credentials": google_block(configuration.google) if configuration.google else None,
        "email-server-credentials": configuration.mail,
    }
    for block_type, block in blocks.items():
        if block is None:
            _delete(block_type)
        else:
            make(lambda block=block: block.save(BLOCK_NAME, overwrite=True))  # type: ignore[misc]
    make(lambda: Variable.set(VARIABLE, configuration.settings.model_dump(mode="json"), overwrite=True))
    return _describe(environment)


def make(thing: Callable[[], Made]) -> Made:
    """Makes something on the Prefect server; that somebody else makes the same at this moment is no mishap.

    Prefect looks whether a thing is there, and only then makes it. In between, another setup may have made it, or the
    server itself, which registers Block types when it starts. Looked for again, it is found.
    """
    for _ in range(TRIES):
        try:
            return thing()
        except ObjectAlreadyExists:
            continue
    return thing()


def _describe(environment: Environment) -> str:
    services = (
        f"{environment.grader_client} at {environment.grader_api_url}",
        "the database of DATABASE_URL" if environment.database_url else "the embedded database",
        f"Google Sheet {environment.spreadsheet_id}" if environment.spreadsheet_id else "no Google Sheet",
        f"mail to {', '.join(environment.email_to)}" if environment.email_to else "no mail",
    )
    return f"saved: {', '.join(services)}"


def _delete(block_type: str) -> None:
    with get_client(sync_client=True) as client:
        try:
            document = client.read_block_document_by_name(BLOCK_NAME, block_type)
        except ObjectNotFound:
            return
        client.delete_block_document(document.id)
