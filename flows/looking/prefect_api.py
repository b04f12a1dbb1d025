"""Prefect's API for a command that only looks.

Where no server is named, it is answered in this process: a temporary server would take ten seconds and more, and would
write to Prefect's database.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.context import SyncClientContext
from prefect.settings import PREFECT_API_KEY, get_current_settings, temporary_settings

from flows.running.server import names_server, translate_server_errors
from tasks.errors import InvalidInputError, PermanentError

if TYPE_CHECKING:
    from fastapi import FastAPI


@contextmanager
def reading_prefect() -> Iterator[SyncPrefectClient]:
    """Gives a client of Prefect's API, which all that is loaded from Prefect in the `with` block uses as well.

    From then on nothing is logged, since that is no answer to what the command was asked.

    Raises:
        InvalidInputError: no server is named, and nothing was ever set up without one.
        TransientError, PermanentError: the server, or Prefect's database, cannot be read.
    """
    # Until the end of the process: the last line comes when Python ends.
    logging.disable()
    if names_server():
        with translate_server_errors(), get_client(sync_client=True) as client:
            yield client
        return
    from sqlalchemy.engine import make_url

    address = get_current_settings().server.database.connection_url
    database = make_url(address.get_secret_value()) if address else None
    if database and database.get_backend_name() == "sqlite" and not Path(database.database or "").is_file():
        raise InvalidInputError(
            "nothing is set up yet: copy .env.example to .env, fill it in and run: python -m flows.setup "
            "(or name the Prefect server that knows it in PREFECT_API_URL)"
        )
    from prefect.server.api.server import create_app

    with asyncio.Runner() as runner:
        transport = _InThisProcess(create_app(ephemeral=True), runner)
        client = SyncPrefectClient("http://in-this-process/api", httpx_settings={"transport": transport})
        try:
            # That a Block is loaded is an event, for which Prefect would start a temporary server unless a key says
            # that there is another one; and the constructor of a context makes a client of its own.
            nothing_started = temporary_settings({PREFECT_API_KEY: "none"})
            with nothing_started, SyncClientContext.model_construct(client=client):
                yield client
        except httpx.HTTPStatusError as error:
            raise PermanentError(
                f"Prefect's own database cannot be read (HTTP {error.response.status_code}): run python -m flows.setup"
            ) from error


class _InThisProcess(httpx.BaseTransport):
    """Answers requests with the server's application, of which nothing else runs."""

    def __init__(self, app: "FastAPI", runner: asyncio.Runner) -> None:
        self._app: Any = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._runner = runner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._runner.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._app.handle_async_request(request)
        body = b"".join([part async for part in answer.aiter_raw()])
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)
