"""A Prefect server for one module's tests alone, and what it holds, as it is seen over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import requests

from flows.installing.deployments import DEPLOYMENTS
from tests.e2e.prefect_server import prefect_server_running
from tests.fixtures.pipelines import stop_embedded_database

VOLATILE = ("updated", "created", "last_polled", "status", "active_slots")


@contextmanager
def own_server() -> Iterator[str]:
    """A server that other modules' tests do not share, for tests that delete what those need; its API's address."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with TemporaryDirectory(prefix="codegrader-") as name:
        with prefect_server_running(Path(name)) as api, temporary_settings({PREFECT_API_URL: api}):
            yield api
        stop_embedded_database(Path(name) / "postgres")


class Server:
    """The Prefect server, as it is seen over HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, method: str, path: str, content: object = None) -> Any:
        """The answer's JSON."""
        answer = requests.request(method, f"{self._url}/{path}", json=content, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind, without what changes by itself."""
        found = self.ask("POST", f"{kind}/filter", {})
        return [{name: value for name, value in one.items() if name not in VOLATILE} for one in found]

    def find(self, kind: str, name: str) -> dict[str, Any] | None:
        """The object of that name."""
        return next((one for one in self.objects(kind) if one["name"] == name), None)

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        """Whatever setup makes."""
        kinds = ("block_types", "block_schemas", "work_pools", "v2/concurrency_limits", "automations", "variables")
        return {kind: self.objects(kind) for kind in kinds} | {"block_documents": self.blocks()}

    def blocks(self, *, include_secrets: bool = False) -> list[dict[str, Any]]:
        """The Blocks, each with its type's slug and its content."""
        found = self.ask("POST", "block_documents/filter", {"include_secrets": include_secrets})
        return [{"type": one["block_type"]["slug"], "id": one["id"], "data": one["data"]} for one in found]

    def pretend_to_deploy(self) -> dict[str, UUID]:
        """Makes what `prefect deploy --all` makes, as far as it matters to setup; the ids of the deployments."""
        made = {}
        for deployment in DEPLOYMENTS:
            flow_name, name = deployment.split("/")
            flow = self.ask("POST", "flows/", {"name": flow_name})
            made[deployment] = UUID(self.ask("POST", "deployments/", {"name": name, "flow_id": flow["id"]})["id"])
        return made

    def forget_block_type(self, slug: str) -> None:
        """Deletes a block type with all its Blocks, if it is there."""
        for one in self.objects("block_types"):
            if one["slug"] == slug:
                self.ask("DELETE", f"block_types/{one['id']}")

    def clear(self) -> None:
        """Deletes whatever setup makes, and the deployments."""
        for kind in ("block_documents", "automations", "v2/concurrency_limits", "variables", "deployments"):
            for one in self.objects(kind):
                self.ask("DELETE", f"{kind}/{one['id']}")
        for pool in self.objects("work_pools"):
            self.ask("DELETE", f"work_pools/{pool['name']}")
