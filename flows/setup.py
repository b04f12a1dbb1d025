"""Setup: reads `.env`, checks it as a whole, and saves the four Blocks and the settings where every run finds them.

`python -m flows.setup`: once, and again after each change of `.env`. Nothing else reads that file.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.variables import Variable

from flows.environment import Environment, read_environment, read_service_account
from schemas.blocks import BLOCK_NAME, GraderApi
from schemas.settings import VARIABLE, Settings
from tasks.errors import CodegraderError

if TYPE_CHECKING:
    from prefect_email import EmailServerCredentials
    from prefect_gcp import GcpCredentials
    from prefect_sqlalchemy import SqlAlchemyConnector

CONNECT_TIMEOUT_S = 10


def save(environment: Environment) -> list[str]:
    """Saves Blocks and settings; saving them again changes nothing. The Block of a service no longer named is deleted.

    Returns:
        A line for each service: what was set up, or what happens without it.
    """
    lines = [f"grader API: {environment.grader_api_url}, client {environment.grader_client}"]
    grader_api(environment).save(BLOCK_NAME, overwrite=True)
    if environment.database_url:
        database(environment).save(BLOCK_NAME, overwrite=True)
        lines.append("database: PostgreSQL as named in DATABASE_URL")
    else:
        _delete("sqlalchemy-connector")
        lines.append("database: none named, so the embedded PostgreSQL is used")
    if environment.spreadsheet_id:
        google(environment).save(BLOCK_NAME, overwrite=True)
        lines.append(f"Google Sheet: {environment.spreadsheet_id}")
    else:
        _delete("gcp-credentials")
        lines.append("Google Sheet: none named, so that step is skipped")
    if environment.email_to:
        mail(environment).save(BLOCK_NAME, overwrite=True)
        lines.append(f"mail: {environment.smtp_server}, to {', '.join(environment.email_to)}")
    else:
        _delete("email-server-credentials")
        lines.append("mail: none named, so that step is skipped")
    Variable.set(VARIABLE, settings(environment).model_dump(mode="json"), overwrite=True)
    return lines


def grader_api(environment: Environment) -> GraderApi:
    """The Block of the grader's API."""
    return GraderApi(
        url=str(environment.grader_api_url), client=environment.grader_client, client_key=environment.grader_client_key
    )


def database(environment: Environment) -> "SqlAlchemyConnector":
    """The Block of the database, in parts: of an address as a whole, the dashboard would show the password."""
    from prefect_sqlalchemy import ConnectionComponents, SqlAlchemyConnector, SyncDriver
    from sqlalchemy.engine import make_url

    assert environment.database_url is not None
    url = make_url(environment.database_url.get_secret_value())
    return SqlAlchemyConnector(
        connection_info=ConnectionComponents(
            driver=SyncDriver.POSTGRESQL_PSYCOPG2,
            username=url.username,
            password=url.password,
            host=url.host,
            port=url.port,
            database=url.database,
            query={name: str(value) for name, value in url.query.items()},
        ),
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
    )


def google(environment: Environment) -> "GcpCredentials":
    """The Block of the service account, with the key itself: a worker elsewhere has not the file."""
    from prefect_gcp import GcpCredentials

    assert environment.google_service_account_file is not None
    return GcpCredentials(service_account_info=read_service_account(Path(environment.google_service_account_file)))


def mail(environment: Environment) -> "EmailServerCredentials":
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


def settings(environment: Environment) -> Settings:
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


def _delete(block_type: str) -> None:
    with get_client(sync_client=True) as client:
        try:
            document = client.read_block_document_by_name(BLOCK_NAME, block_type)
        except ObjectNotFound:
            return
        client.delete_block_document(document.id)


def main(arguments: Sequence[str] | None = None) -> int:
    """Sets up once.

    Returns:
        0 if all was saved; 1 if `.env` cannot be used, and then nothing was.
    """
    parser = argparse.ArgumentParser(prog="python -m flows.setup", description=__doc__)
    parser.add_argument("--env-file", type=Path, default=Path(".env"), help="the file to read; default: .env")
    try:
        lines = save(read_environment(parser.parse_args(arguments).env_file))
    except CodegraderError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
