"""No secret and no student's full id leaves its place, whatever a run comes to; and what is private is closed."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import quote

import psutil
import pytest

from tests.faults import broken_stages, fault
from tests.faults.canaries import Canaries, canaries_singing, execute
from tests.sandbox.grader import Fault
from tests.sandbox.grader.fault_kinds import Stall
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

PROMISE = "no secret in any file, log, mail, artifact, state or line; no student's full id outside of the data"


@pytest.fixture(scope="module")
def canaries() -> Iterator[Canaries]:
    with canaries_singing() as canaries:
        # So that there is a tab, tables and a mail to look into.
        assert "10 fetched" in canaries.run()
        yield canaries


def scenario(act: broken_stages.Scenario, message: str, what: str, *, quick: bool = False) -> object:
    marks = [fault("secrets", what, PROMISE)] + ([] if quick else [pytest.mark.stress])
    return pytest.param(act, message, marks=marks, id=act.__name__)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        scenario(
            broken_stages.grader_tells_all, "it refused", "extract fails: the API repeats key and students", quick=True
        ),
        scenario(
            broken_stages.grader_spells_the_key_otherwise,
            "it refused",
            "extract fails: the API repeats key and students as an address, HTML or JSON spells them",
            quick=True,
        ),
        scenario(
            broken_stages.database_quotes_rows, "violates check", "load fails: the database quotes the rows", quick=True
        ),
        scenario(
            broken_stages.database_wants_another_password, "authentication failed", "the database refuses the password"
        ),
        scenario(broken_stages.no_table_for_figures, "does not exist", "the figures fail: their table is gone"),
        scenario(broken_stages.sheet_refuses, "share it with", "the sheet fails: it is not shared"),
        scenario(
            broken_stages.google_refuses_the_key,
            "check GOOGLE_SERVICE_ACCOUNT_FILE",
            "the sheet fails: the key is revoked",
        ),
        scenario(
            broken_stages.sheet_answers_nonsense, "unexpected error", "an exception that nobody expected", quick=True
        ),
        scenario(broken_stages.no_place_for_reports, "report failed", "the report fails: no place to write it"),
        scenario(
            broken_stages.mail_server_tells_all, "refused the login", "the mail fails: the server repeats the password"
        ),
    ],
)
def test_a_run_that_fails_leaks_nothing(canaries: Canaries, act: broken_stages.Scenario, message: str) -> None:
    with act(canaries):
        assert message in canaries.run()

    assert canaries.find_leaks() == []


@fault("secrets", "too many records fail the checks", PROMISE)
@pytest.mark.stress
def test_a_run_that_is_not_published_leaks_nothing(canaries: Canaries) -> None:
    assert "records failed the checks" in canaries.run(max_rejected_share=0)

    assert canaries.find_leaks() == []


@fault("secrets", "the run's process is killed", PROMISE)
@pytest.mark.stress
def test_a_run_that_is_killed_leaks_nothing(canaries: Canaries) -> None:
    world = canaries.pipeline.world
    asked = len(world.grader.requests)
    world.grader.faults.append(Fault(Stall(600, "body"), times=None))
    process = canaries.pipeline.start("2023-04-02", "2023-04-03")
    wait_until(lambda: len(world.grader.requests) > asked or world.grader.faults[0].struck > 0, 120)
    process.send_signal(signal.SIGKILL)
    canaries.shown.write(process.communicate()[0])
    world.grader.faults.clear()

    assert canaries.find_leaks() == []


@fault("secrets", "the run's process is told to end (SIGTERM)", f"it ends; {PROMISE}")
def test_a_run_that_is_ended_ends_and_leaks_nothing(canaries: Canaries) -> None:
    world = canaries.pipeline.world
    world.grader.faults.append(Fault(Stall(5), times=None))
    process = canaries.pipeline.start("2023-04-02", "2023-04-03")
    # At this moment it imports what it will need for the answer.
    wait_until(lambda: world.grader.faults[0].struck > 0, 120)
    process.send_signal(signal.SIGTERM)
    canaries.shown.write(process.communicate(timeout=120)[0])
    world.grader.faults.clear()

    assert canaries.find_leaks() == []


@fault("secrets", "a run from the command line succeeds", PROMISE)
@pytest.mark.stress
def test_the_command_line_leaks_nothing(canaries: Canaries) -> None:
    process = canaries.pipeline.start("2023-04-02", "2023-04-02")
    shown = process.communicate(timeout=240)[0]
    canaries.shown.write(shown)

    assert process.returncode == 0, shown
    assert canaries.find_leaks() == []


@fault("secrets", "setting up, and trying every service, with right and with wrong secrets", PROMISE)
@pytest.mark.stress
def test_setting_up_leaks_nothing(canaries: Canaries) -> None:
    from flows.setup import main

    pipeline = canaries.pipeline
    right = canaries.address(canaries.secrets["database password"])
    canaries.secrets["wrong password"] = wrong = token_urlsafe(24)
    env_file = ["--env-file", str(pipeline.home / "no.env")]
    for changes in (
        {"DATABASE_URL": right},
        {"DATABASE_URL": canaries.address(wrong), "SMTP_PASSWORD": wrong, "GRADER_CLIENT_KEY": wrong},
        {"DATABASE_URL": f"postgresql://me:{wrong}@a@b", "SMTP_USERNAME": ""},
    ):
        with pipeline.environment(changes), canaries.listening():
            main([*env_file, "--check"])
            main(env_file)
    canaries.set_up()

    assert canaries.find_leaks() == []


# --------------------------------------------------------------------------------------------------- that it can fail


def test_a_leak_would_be_found(canaries: Canaries) -> None:
    """Each kind of canary, planted in each kind of place."""
    home, sizes = canaries.pipeline.home, canaries.places()
    for place in ("the mails", "the sheet", "what was printed", "Prefect's database"):
        assert sizes[place] > 100
    print(f"looked through {len(sizes)} places, {sum(sizes.values()) / 2**20:.1f} MiB")
    planted = {
        home / "logs" / "planted.log": canaries.secrets["mail password"],
        home / "reports" / "planted.html": f"<td>{canaries.students[4]}</td>",
        home / "cache-of-others": canaries.secrets["Google's private key"].splitlines()[7],
        home / "postgres" / "planted-log": canaries.students[0],
        canaries.prefect / "planted.log": quote(canaries.secrets["Prefect's login"], safe=""),
    }
    for path, text in planted.items():
        path.write_text(f"before {text} after")
    try:
        leaks = canaries.find_leaks()
    finally:
        for path in planted:
            path.unlink()

    assert sorted(leak.partition(" in ")[2] for leak in leaks) == sorted(map(str, planted))


# --------------------------------------------------------------------------------------------------- what is closed


@fault(
    "secrets", "another user of the machine looks into the private folder", "everything in it is for its owner alone"
)
@pytest.mark.skipif(os.name == "nt", reason="modes are a matter of POSIX")
def test_what_is_in_the_private_folder_is_for_its_owner_alone(canaries: Canaries) -> None:
    home = canaries.pipeline.home
    of_the_world = {home / "service-account.json", home / "mail"}
    parts = {path.name for path in home.iterdir()}
    assert {"cache", "logs", "postgres", "reports"} <= parts

    open_ones = [
        f"{path}: {path.lstat().st_mode & 0o777:o}"
        for path in home.rglob("*")
        if path not in of_the_world and not path.is_socket() and path.lstat().st_mode & 0o077
    ]

    assert open_ones == []


@fault("secrets", "another machine looks for the embedded database", "it listens on no network")
def test_the_embedded_database_listens_on_no_network(canaries: Canaries) -> None:
    for folder in (canaries.pipeline.home / "postgres", canaries.prefect / "postgres"):
        assert execute(folder.parent, "postgres", "SHOW listen_addresses") == [("",)]
        server = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
        processes = [server, *server.children(recursive=True)]
        assert len(processes) > 3
        for process in processes:
            # Some of them come and go.
            with suppress(psutil.NoSuchProcess):
                assert process.net_connections("inet") == []
        assert Path(folder / ".s.PGSQL.5432").is_socket()
        assert folder.stat().st_mode & 0o077 == 0


@fault(
    "secrets", "the private folder's path is too long for a socket in it", "refused: elsewhere, others could connect"
)
@pytest.mark.skipif(os.name == "nt", reason="there are no such sockets")
def test_the_socket_is_never_opened_elsewhere(tmp_path: Path) -> None:
    from tasks.database import embedded_database
    from tasks.errors import PermanentError

    with pytest.raises(PermanentError, match="set CODEGRADER_HOME to a shorter one"):
        embedded_database(tmp_path / ("long" * 30) / "postgres")

    assert list(tmp_path.iterdir()) == []
