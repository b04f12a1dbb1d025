"""Where the report goes besides the private folder: a bucket, a folder, or what somebody else wrote a Block for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from prefect.filesystems import LocalFileSystem, WritableFileSystem
from prefect_gcp import GcpCredentials
from prefect_gcp.cloud_storage import GcsBucket
from pydantic import PrivateAttr

from tasks.errors import PermanentError
from tasks.storage import store, try_storage
from tests.faults import fault
from tests.sandbox.storage import StorageSandbox

ONE_LINE = "one line that says what to do, without a secret; all else is done, and the mail has no link"
PAGE = "<!DOCTYPE html><p>Отчёт".encode()
DAY = "2023-04-01.html"


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageSandbox]:
    with StorageSandbox() as sandbox:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", sandbox.url)
        yield sandbox


def saved(monkeypatch: pytest.MonkeyPatch, block: Block) -> str:
    """The name of a Block, which is found without a server."""
    monkeypatch.setattr(Block, "load", lambda _: block)
    return "some-type/reports"


def bucket(sandbox: StorageSandbox, **changes: Any) -> GcsBucket:
    credentials = GcpCredentials(service_account_info=sandbox.service_account_info)
    return GcsBucket(**{"bucket": sandbox.bucket, "bucket_folder": "py 101", "gcp_credentials": credentials} | changes)


def test_a_page_in_a_bucket_opens_in_a_browser(monkeypatch: pytest.MonkeyPatch, sandbox: StorageSandbox) -> None:
    name = saved(monkeypatch, bucket(sandbox))
    where = f"https://storage.cloud.google.com/{sandbox.bucket}/py%20101/{DAY}"
    assert store(name, DAY, PAGE, None) == where
    assert store(name, DAY, PAGE, "https://reports.example/a/") == f"https://reports.example/a/{DAY}"
    # As a page: what is of no known type a browser saves instead of showing it.
    assert sandbox.objects == {f"py 101/{DAY}": ("text/html; charset=utf-8", PAGE)}


@fault("report", "the bucket is not there, or the account may not write to it (403)", ONE_LINE)
def test_a_bucket_that_cannot_be_written_to_is_one_line(
    monkeypatch: pytest.MonkeyPatch, sandbox: StorageSandbox
) -> None:
    for block, told in ((bucket(sandbox, bucket="another"), "NotFound 404"), (bucket(sandbox), "Forbidden 403")):
        sandbox.is_closed = told == "Forbidden 403"
        with pytest.raises(PermanentError, match=rf"^report storage: .*\({told}\): see that [^\n]*$"):
            store(saved(monkeypatch, block), DAY, PAGE, None)
    assert sandbox.objects == {}


def test_a_page_in_a_folder_is_found_where_its_owner_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = saved(monkeypatch, LocalFileSystem(basepath=tmp_path / "pages"))
    assert store(name, f"course/{DAY}", PAGE, None) is None
    assert store(name, f"course/{DAY}", PAGE, "https://a.example") == f"https://a.example/course/{DAY}"
    assert (tmp_path / "pages" / "course" / DAY).read_bytes() == PAGE
    assert try_storage(name) == f"{name} can be written to"
    (tmp_path / "file").touch()
    with pytest.raises(PermanentError, match=r"\((FileExistsError File exists|NotADirectoryError Not a directory)\)"):
        store(saved(monkeypatch, LocalFileSystem(basepath=tmp_path / "file" / "pages")), DAY, PAGE, None)


class Shelf(WritableFileSystem):
    """A Block as Prefect declares them: its functions are coroutines."""

    _kept: dict[str, bytes] = PrivateAttr(default_factory=dict)

    async def read_path(self, path: str) -> bytes:
        return self._kept[path]

    async def write_path(self, path: str, content: bytes) -> None:
        if not content:
            raise ValueError("the password is geheim")
        self._kept[path] = content


def test_any_block_that_writes_files_will_do_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    store(saved(monkeypatch, shelf), DAY, PAGE, None)
    assert shelf._kept == {DAY: PAGE}
    with pytest.raises(PermanentError, match=r"cannot be written to \(ValueError\): ") as caught:
        store(saved(monkeypatch, shelf), DAY, b"", None)
    assert "geheim" not in f"{caught.value}{caught.value.__cause__}"

    def fail(_: str) -> None:
        raise ValueError("Unable to find block document, or its key is geheim")

    with pytest.raises(PermanentError, match="writes no files"):
        store(saved(monkeypatch, Secret(value="geheim")), DAY, PAGE, None)
    monkeypatch.setattr(Block, "load", fail)
    with pytest.raises(PermanentError, match=r"^report storage: there is no Block a/b that can be loaded: [^\n]*$"):
        store("a/b", DAY, PAGE, None)
