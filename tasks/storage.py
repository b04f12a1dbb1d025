"""Storage: the report's page where its readers find it, in whatever Prefect has a storage Block for."""

import asyncio
import inspect
from io import BytesIO
from typing import Any, Final
from urllib.parse import quote

from prefect import task
from prefect.blocks.core import Block
from prefect.cache_policies import NO_CACHE
from prefect.filesystems import WritableFileSystem

from tasks.errors import PermanentError

GOOGLE: Final = "https://storage.cloud.google.com"
"""Where a browser opens what lies in a bucket, once its user is logged in."""
TRIAL: Final = "codegrader-setup.txt"


def store(storage: str, path: str, page: bytes, address: str | None) -> str | None:
    """Writes a page; an earlier one at that path is replaced.

    Args:
        storage: the type and the name of a Block, such as `gcs-bucket/reports`.
        path: below the Block's own folder.
        address: where people find that folder; None if it is known of the Block alone, or to nobody.

    Returns:
        Where people find the page; None if nobody knows.

    Raises:
        PermanentError: there is no such Block, or it cannot write.
    """
    found, where = _write(storage, path, page, "text/html; charset=utf-8")
    if address is None and found.get_block_type_slug() == "gcs-bucket":
        return f"{GOOGLE}/{found.bucket}/{quote(where)}"
    return address and f"{address.rstrip('/')}/{quote(path)}"


def try_storage(storage: str) -> str:
    """Writes a short text beside the reports, leaves it there, and says so; raises as `store` does."""
    _write(storage, TRIAL, b"codegrader setup could write here.\n", "text/plain")
    return f"{storage} can be written to"


def _write(storage: str, path: str, content: bytes, kind: str) -> tuple[Any, str]:
    """Writes a file; the Block, and the path that it says it wrote to."""
    try:
        found = Block.load(storage)
    except ValueError:
        raise PermanentError(
            f"report storage: there is no Block {storage} that can be loaded: save it, or correct REPORT_STORAGE"
        ) from None
    if not isinstance(found, WritableFileSystem):
        raise PermanentError(f"report storage: the Block {storage} writes no files: name another in REPORT_STORAGE")
    block: Any = found
    try:
        if block.get_block_type_slug() == "gcs-bucket":
            # Its `write_path` names no type of the content, and a browser then saves a page instead of showing it.
            upload = block.upload_from_file_object
            return block, upload(BytesIO(content), path, content_type=kind, size=len(content))
        written = block.write_path(path, content)
        return block, asyncio.run(written) if inspect.iscoroutine(written) else written
    except Exception as error:  # noqa: BLE001 (whatever a Block of somebody else's may raise)
        # What is behind it may quote a secret.
        reason = f"{type(error).__name__} {getattr(error, 'code', None) or getattr(error, 'strerror', None) or ''}"
        raise PermanentError(
            f"report storage: {storage} cannot be written to ({reason.strip()}): see that its folder or bucket is "
            "there, and that its credentials may write"
        ) from None


store_page = task(
    name="store_page",
    task_run_name="store report",
    description="Writes the report's page where its readers find it.",
    cache_policy=NO_CACHE,
    persist_result=False,
)(store)
