"""From `.env` to what a run works with: the four Blocks and the settings, made but not saved."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from prefect.types import SecretDict

from flows.installing.environment import Environment, read_service_account
from flows.running.configuration import Configuration
from schemas.blocks import GraderApi
from schemas.settings import Settings
from tasks.errors import InvalidInputError, PermanentError
from tasks.sheet import read_key

if TYPE_CHECKING:
    from prefect_email import EmailServerCredentials
    from prefect_gcp import GcpCredentials
    from prefect_sqlalchemy import SqlAlchemyConnector
    from sqlalchemy.engine import URL

CONNECT_TIMEOUT_S: Final = 10


def configure(environment: Environment) -> Configuration:
    """Makes the Blocks and settings that a run would load, had they been saved.

    Raises:
        InvalidInputError: a value cannot be used.
    """
    return Configuration(
        settings=_settings(environment),
        api=_grader_api(environment),
        database=_database(environment) if environment.database_url else None,
        google=_google(environment) if environment.spreadsheet_id else None,
        mail=_mail(environment) if environment.email_to else None,
    )


def _grader_api(environment: Environment) -> GraderApi:
    """The Block of the grader's API."""
    return GraderApi(
        url=str(environment.grader_api_url), client=environment.grader_client, client_key=environment.grader_client_key
    )


def _database(environment: Environment) -> "SqlAlchemyConnector":
    """The Block of the database, in parts: of an address as a whole, the dashboard would show the password.

    Raises:
        InvalidInputError: `DATABASE_URL` cannot be read, or names no database.
    """
    from prefect_sqlalchemy import ConnectionComponents, SqlAlchemyConnector, SyncDriver

    assert environment.database_url is not None
    url = _read_url(environment.database_url.get_secret_value())
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


def _read_url(text: str) -> "URL":
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    # Of a password with an @, what follows would pass for the host, and be shown as such. So nothing is quoted, either.
    if url is None or not url.database or "@" in (url.host or ""):
        raise InvalidInputError(
            "DATABASE_URL cannot be read: write it as postgresql://user:password@host:5432/database, "
            "with %40 for an @ and %25 for a % in the password"
        )
    return url


def _google(environment: Environment) -> SecretDict:
    """The service account's key itself: a worker elsewhere has not the file.

    Raises:
        InvalidInputError: the key in the file cannot be used.
    """
    path = Path(environment.google_service_account_file or "")
    try:
        key = SecretDict(read_service_account(path))
        # Not by way of the Block that will hold it, whose import takes a second.
        read_key(key)
    except (ValueError, PermanentError):
        raise InvalidInputError(
            f"GOOGLE_SERVICE_ACCOUNT_FILE: the key in {path} cannot be used: download it once more"
        ) from None
    return key


def google_block(key: SecretDict) -> "GcpCredentials":
    """The Block that holds the service account's key."""
    from prefect_gcp import GcpCredentials

    return GcpCredentials(service_account_info=key)


def _mail(environment: Environment) -> "EmailServerCredentials":
    """The Block of the mail server."""
    from prefect_email import EmailServerCredentials
    from pydantic import SecretStr

    return EmailServerCredentials(
        smtp_server=environment.smtp_server,
        smtp_port=environment.smtp_port,
        smtp_type=environment.smtp_type,
        username=environment.smtp_username,
        password=environment.smtp_password or SecretStr(""),
    )


def _settings(environment: Environment) -> Settings:
    """The settings that are no secret."""
    return Settings(
        report_timezone=environment.report_timezone,
        report_language=environment.report_language,
        spreadsheet_id=environment.spreadsheet_id,
        google_sheets_url=str(environment.google_sheets_url).rstrip("/"),
        email_from=environment.email_from,
        email_to=tuple(environment.email_to),
        log_dir=environment.log_dir,
    )
