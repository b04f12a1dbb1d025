"""No secret and no student's full id leaves its place, whatever a run comes to; and what is private is closed."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import quote

import psutil
import pytest

from tests.e2e.test_stopping import AT_MOST_S, STOPPED
from tests.faults import fault
from tests.faults.canaries import DATABASE, UNUSUAL_SPELLINGS, Canaries, execute
from tests.fixtures.waiting import wait_until
from tests.sandbox.grader import Fault
from tests.sandbox.grader.faults import Body, Stall
from tests.sandbox.sheets import SheetsFault
from tests.sandbox.smtp import SmtpBehaviour
from tests.sandbox.world import SPREADSHEET_ID

pytestmark = pytest.mark.slow

PROMISE: Final = "no secret in any file, log, mail, artifact, state or line; no student's full id outside of the data"


# --- each stage fails, where it can in a way that tempts it to say too much


@contextmanager
def api_says(canaries: Canaries, write: Callable[[int, list[str]], str]) -> Iterator[None]:
    """The API repeats the key and the students in its errors, another for each window."""
    known = [canaries.secrets["grader's key"], *canaries.students]
    faults = canaries.pipeline.world.grader.faults
    faults += [Fault(Body(json.dumps({"errors": write(number, known)}).encode())) for number in range(4)]
    yield
    faults.clear()


def spelled(number: int, known: list[str]) -> str:
    return " ".join(spell(word) for word in known for spell in UNUSUAL_SPELLINGS[number : number + 2])


@contextmanager
def embedded_database_refuses_rows(canaries: Canaries) -> Iterator[None]:
    canaries.set_up(DATABASE_URL="")
    assert "10 fetched" in canaries.run()
    forbidden = ", ".join(f"'{student}'" for student in canaries.students)
    check = f"CHECK (user_id NOT IN ({forbidden})) NOT VALID"
    execute(canaries.pipeline.home, "postgres", f"ALTER TABLE attempts ADD CONSTRAINT no_canaries {check}")
    yield
    execute(canaries.pipeline.home, "postgres", "ALTER TABLE attempts DROP CONSTRAINT no_canaries")
    canaries.set_up()


@contextmanager
def database_wants_another_password(canaries: Canaries) -> Iterator[None]:
    canaries.secrets["former password"] = token_urlsafe(24)
    canaries.set_up(DATABASE_URL=canaries.address(canaries.secrets["former password"]))
    yield
    canaries.set_up()


@contextmanager
def no_table_for_figures(canaries: Canaries) -> Iterator[None]:
    execute(canaries.pipeline.home, DATABASE, "ALTER TABLE daily_metrics RENAME TO gone")
    yield
    execute(canaries.pipeline.home, DATABASE, "ALTER TABLE gone RENAME TO daily_metrics")


@contextmanager
def google_answers(canaries: Canaries, status: int, path: str = SPREADSHEET_ID, **more: Any) -> Iterator[None]:
    faults = canaries.pipeline.world.sheets.faults
    faults.append(SheetsFault(status=status, times=None, path_contains=path, **more))
    yield
    faults.clear()


@contextmanager
def no_place_for_reports(canaries: Canaries) -> Iterator[None]:
    reports = canaries.pipeline.home / "reports"
    before = reports.rename(reports.with_name("reports-before"))
    reports.touch(mode=0o600)
    yield
    reports.unlink()
    before.rename(reports)


@contextmanager
def mail_server_tells_all(canaries: Canaries) -> Iterator[None]:
    smtp = canaries.pipeline.world.smtp
    smtp.behaviour = SmtpBehaviour(refuse_login=f"535 5.7.8 {smtp.username} is not {smtp.password}")
    yield
    smtp.behaviour = SmtpBehaviour()


Scenario = Callable[[Canaries], AbstractContextManager[None]]
SCENARIOS: Final[dict[str, tuple[Scenario, str]]] = {
    "extract fails: the API repeats key and students": (
        partial(api_says, write=lambda number, known: f"{known[1 + number]}, {' '.join(known)}"),
        "it refused",
    ),
    "extract fails: the API repeats key and students as an address, HTML or JSON spells them": (
        partial(api_says, write=spelled),
        "it refused",
    ),
    "load fails: the database quotes the rows": (embedded_database_refuses_rows, "violates check"),
    # An answer of another shape makes our own code raise what it did not expect.
    "an exception that nobody expected": (partial(google_answers, status=200), "unexpected error"),
    "the database refuses the password": (database_wants_another_password, "authentication failed"),
    "the figures fail: their table is gone": (no_table_for_figures, "does not exist"),
    "the sheet fails: it is not shared": (partial(google_answers, status=403), "sheet failed"),
    "the sheet fails: the key is revoked": (
        partial(google_answers, status=400, path="/token"),
        "GOOGLE_SERVICE_ACCOUNT_FILE",
    ),
    "the report fails: no place to write it": (no_place_for_reports, "report failed"),
    "the mail fails: the server repeats the password": (mail_server_tells_all, "mail failed"),
}
IN_QUICK_RUN: Final = list(SCENARIOS)[1:3]


def scenario(what: str) -> Any:
    marks = [fault("secrets", what, PROMISE), *([] if what in IN_QUICK_RUN else [pytest.mark.stress])]
    return pytest.param(*SCENARIOS[what], marks=marks, id=what)


@pytest.mark.parametrize(("act", "message"), [*map(scenario, SCENARIOS)])
def test_a_run_that_fails_leaks_nothing(canaries: Canaries, act: Scenario, message: str) -> None:
    with act(canaries):
        told = canaries.run()

    assert message in told
    assert canaries.find_leaks() == []


@fault("secrets", "too many records fail the checks", PROMISE)
@pytest.mark.stress
def test_a_run_that_is_not_published_leaks_nothing(canaries: Canaries) -> None:
    assert "records failed the checks" in canaries.run(max_rejected_share=0)

    assert canaries.find_leaks() == []


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        pytest.param(
            signal.SIGKILL,
            -signal.SIGKILL,
            marks=[fault("secrets", "the run's process is killed", PROMISE), pytest.mark.stress],
        ),
        pytest.param(
            signal.SIGTERM,
            128 + signal.SIGTERM,
            marks=[
                fault("secrets", "the run's process is told to end (SIGTERM)", PROMISE),
                fault(
                    "killed processes",
                    "SIGTERM while the API is answering",
                    "it ends within 5 s with one line; nobody gets a mail",
                ),
            ],
        ),
        pytest.param(
            None, 0, marks=[fault("secrets", "a run from the command line succeeds", PROMISE), pytest.mark.stress]
        ),
    ],
)
def test_a_process_leaks_nothing_however_it_ends(canaries: Canaries, ending: signal.Signals | None, code: int) -> None:
    """It is ended while it waits for the API's answers, and then reads them."""
    world, mails = canaries.pipeline.world, len(canaries.pipeline.world.smtp.messages)
    world.grader.faults[:] = [Fault(Stall(AT_MOST_S if ending else 0, "body"), times=None)]
    process = canaries.pipeline.start("2023-04-02", "2023-04-03")
    if ending:
        wait_until(lambda: world.grader.faults[0].struck > 0, 120)
        process.send_signal(ending)
    told_at = time.monotonic()
    shown = process.communicate(timeout=240)[0]
    took_s = time.monotonic() - told_at
    canaries.shown.write(shown)
    world.grader.faults.clear()

    assert process.returncode == code, shown
    assert canaries.find_leaks() == []
    if ending == signal.SIGTERM:
        assert took_s < AT_MOST_S
        assert shown.splitlines() == [STOPPED]
        assert len(world.smtp.messages) == mails


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


def test_a_leak_would_be_found(canaries: Canaries) -> None:
    """Each kind of canary, planted in each kind of place."""
    home, sizes = canaries.pipeline.home, {place: len(content) for place, content in canaries.places()}
    for place in ("the mails", "the sheet", "what was printed", "Prefect's database"):
        assert sizes[place] > 100
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


# --- what is closed


@fault(
    "secrets", "another user of the machine looks into the private folder", "everything in it is for its owner alone"
)
@pytest.mark.skipif(os.name == "nt", reason="modes are a matter of POSIX")
def test_what_is_in_the_private_folder_is_for_its_owner_alone(canaries: Canaries) -> None:
    home = canaries.pipeline.home
    of_the_world = {home / "service-account.json", home / "mail"}
    assert {"cache", "logs", "postgres", "reports"} <= {path.name for path in home.iterdir()}

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
