"""Each stage of a run made to fail, where it can in a way that tempts it to say too much; and mended afterwards."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from secrets import token_urlsafe

from tests.faults.canaries import DATABASE, UNUSUAL_SPELLINGS, Canaries, execute
from tests.sandbox.grader import Fault
from tests.sandbox.grader.fault_kinds import Body
from tests.sandbox.sheets import SheetsFault
from tests.sandbox.smtp import SmtpBehaviour
from tests.sandbox.world import SPREADSHEET_ID

Scenario = Callable[[Canaries], AbstractContextManager[None]]


@contextmanager
def grader_tells_all(canaries: Canaries) -> Iterator[None]:
    """The API repeats the key and the students in its error."""
    known = " ".join([canaries.secrets["grader's key"], *canaries.students])
    grader = canaries.pipeline.world.grader
    for student in canaries.students:
        grader.faults.append(Fault(Body(f'{{"errors": "{student}, {known}"}}'.encode())))
    try:
        yield
    finally:
        grader.faults.clear()


@contextmanager
def grader_spells_the_key_otherwise(canaries: Canaries) -> Iterator[None]:
    """The API repeats key and students in its error, in spellings that no other text of ours has."""
    known = [canaries.secrets["grader's key"], *canaries.students]
    grader = canaries.pipeline.world.grader
    for number in range(4):
        text = " ".join(spell(word) for word in known for spell in UNUSUAL_SPELLINGS[number : number + 2])
        grader.faults.append(Fault(Body(json.dumps({"errors": text}).encode())))
    try:
        yield
    finally:
        grader.faults.clear()


@contextmanager
def database_quotes_rows(canaries: Canaries) -> Iterator[None]:
    """The embedded database refuses rows, and quotes them in its error."""
    canaries.set_up(DATABASE_URL="")
    assert "10 fetched" in canaries.run()
    home = canaries.pipeline.home
    forbidden = ", ".join(f"'{student}'" for student in canaries.students)
    execute(
        home,
        "postgres",
        f"ALTER TABLE attempts ADD CONSTRAINT no_canaries CHECK (user_id NOT IN ({forbidden})) NOT VALID",
    )
    try:
        yield
    finally:
        execute(home, "postgres", "ALTER TABLE attempts DROP CONSTRAINT no_canaries")
        canaries.set_up()


@contextmanager
def database_wants_another_password(canaries: Canaries) -> Iterator[None]:
    canaries.secrets["former password"] = token_urlsafe(24)
    canaries.set_up(DATABASE_URL=canaries.address(canaries.secrets["former password"]))
    try:
        yield
    finally:
        canaries.set_up()


@contextmanager
def no_table_for_figures(canaries: Canaries) -> Iterator[None]:
    execute(canaries.pipeline.home, DATABASE, "ALTER TABLE daily_metrics RENAME TO gone")
    try:
        yield
    finally:
        execute(canaries.pipeline.home, DATABASE, "ALTER TABLE gone RENAME TO daily_metrics")


@contextmanager
def sheet_refuses(canaries: Canaries) -> Iterator[None]:
    faults = canaries.pipeline.world.sheets.faults
    faults.append(SheetsFault(status=403, times=None, path_contains=SPREADSHEET_ID))
    try:
        yield
    finally:
        faults.clear()


@contextmanager
def google_refuses_the_key(canaries: Canaries) -> Iterator[None]:
    faults = canaries.pipeline.world.sheets.faults
    faults.append(SheetsFault(status=400, reason="invalid_grant", times=None, path_contains="/token"))
    try:
        yield
    finally:
        faults.clear()


@contextmanager
def sheet_answers_nonsense(canaries: Canaries) -> Iterator[None]:
    """An answer of another shape, which makes our own code raise what it did not expect."""
    faults = canaries.pipeline.world.sheets.faults
    faults.append(SheetsFault(status=200, times=None, path_contains=SPREADSHEET_ID))
    try:
        yield
    finally:
        faults.clear()


@contextmanager
def no_place_for_reports(canaries: Canaries) -> Iterator[None]:
    reports = canaries.pipeline.home / "reports"
    reports.rename(reports.with_name("reports-before"))
    reports.touch(mode=0o600)
    try:
        yield
    finally:
        reports.unlink()
        reports.with_name("reports-before").rename(reports)


@contextmanager
def mail_server_tells_all(canaries: Canaries) -> Iterator[None]:
    smtp = canaries.pipeline.world.smtp
    smtp.behaviour = SmtpBehaviour(refuse_login=f"535 5.7.8 {smtp.username} is not {smtp.password}")
    try:
        yield
    finally:
        smtp.behaviour = SmtpBehaviour()
