"""Some thousand attempts all the way from the API to the reader, counted once more by a few plain lines."""

import csv
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.message import EmailMessage
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.filesystems import LocalFileSystem
from prefect.flow_engine import run_flow
from prefect.states import AwaitingRetry

from flows.etl import codegrader_etl
from schemas.wording import STATUS_SUCCEEDED
from tests.faults import fault
from tests.fixtures.histories import FIRST, LAST, History, count_days, generated_history, real_history
from tests.fixtures.pipelines import Pipeline, Pipelines, pipelines_running
from tests.fixtures.prefect_server import ROOT
from tests.fixtures.records import record
from tests.sandbox.grader import RecordList
from tests.sandbox.smtp import SmtpBehaviour
from tests.sandbox.world import READER, SPREADSHEET_ID
from tests.unit.test_report import Page

pytestmark = pytest.mark.slow

COURSE, EMPTY = "SandboxU+PY-101+2023", "SandboxU+NEW-1+2024"
AUTHOR, ASSISTANT, NEWCOMER = (f"{name}@sandbox.example" for name in ("author", "assistant", "newcomer"))
READERS = {
    "EMAIL_TO": f"{READER}\ncourse-v1:{COURSE} = {AUTHOR}, {ASSISTANT}\n{EMPTY} = {NEWCOMER}",
    "EMAIL_ATTACH_REPORT": "yes",
    "REPORT_STORAGE": "local-file-system/reports",
    "REPORT_URL": "https://reports.example/codegrader",
    "STUDENT_LISTS": "yes",
}

STORED = "SELECT day::text, attempts::text, successful_attempts::text, unique_users::text FROM daily_metrics ORDER BY 1"
VIEW = """
    SELECT created_at::date::text, count(*)::text, (count(*) FILTER (WHERE is_correct = 1))::text,
        count(DISTINCT user_id)::text
    FROM user_config GROUP BY 1 ORDER BY 1
"""


@pytest.fixture(scope="module")
def whole(prefect_server: str) -> Iterator[Pipeline]:
    """One that has loaded and published all of the generated history in one run, to readers of one course too."""
    with pipelines_running(prefect_server) as pipelines:
        pipeline = pipelines.make(generated_history().source)
        LocalFileSystem(basepath=pipeline.home / "web").save("reports", overwrite=True)
        pipeline.set_up(**READERS)
        assert pipeline.run(FIRST, LAST).is_completed()
        yield pipeline


def test_every_figure_of_generated_attempts_is_right_and_the_same_everywhere(whole: Pipeline) -> None:
    assert_every_figure_is_right(whole, generated_history())


def test_every_figure_of_real_submissions_is_right_and_the_same_everywhere(
    pipelines: Pipelines, real_records: list[dict[str, Any]]
) -> None:
    history = real_history(real_records)
    assert history.days["2017-10-08"] == ("304", "69", "55")
    pipeline = pipelines.make(history.source)
    assert pipeline.run(history.first, history.last, window_hours=24).is_completed()
    assert_every_figure_is_right(pipeline, history)


def assert_every_figure_is_right(pipeline: Pipeline, history: History) -> None:
    expected = [(day, *figures) for day, figures in history.days.items()]
    assert pipeline.rows(STORED) == expected
    assert pipeline.rows(VIEW) == expected
    sheet = pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")
    assert sheet[0] == ["Дата", "Всего попыток", "Успешных попыток", "Уникальных пользователей"]
    assert [tuple(row) for row in sheet[1:]] == expected
    days = pipeline.world.sheets.cells(SPREADSHEET_ID, "Days")[1:]
    assert [tuple(cell.replace(",", "") for cell in row[:4]) for row in days][-len(expected) :] == expected
    path = pipeline.home / "reports" / f"{history.first}_{history.last}.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        _, *report = csv.reader(file)
    assert [tuple(row[:4]) for row in report] == expected
    plain = pipeline.world.smtp.messages[0].get_body(("plain",))
    assert plain is not None
    attempts = sum(int(row[1]) for row in expected)
    assert f"{attempts}попыт" in "".join(plain.get_content().split())


def test_the_readers_of_one_course_get_that_course_alone(whole: Pipeline) -> None:
    mails = {tuple(map(str, mail["To"].addresses)): mail for mail in whole.world.smtp.messages}
    assert list(mails) == [(READER,), (NEWCOMER,), (AUTHOR, ASSISTANT)]
    mail, empty = mails[AUTHOR, ASSISTANT], mails[NEWCOMER,]
    plain, (page,) = mail.get_body(("plain",)), (part.get_content() for part in mail.iter_attachments())
    assert plain
    counts = count_days([one for one in generated_history().records if COURSE in str(one["passback_params"])])
    attempts = sum(int(day[0]) for day in counts.values())
    assert f"{COURSE}, 14 мар. – 17 мар.: {attempts} попыток" in mail["Subject"].replace("\xa0", " ")
    # Every day's figures are those of a plain count.
    rows = {row[0].split(",")[0]: tuple(row[1:4]) for row in reversed(Page(page).rows) if row}
    assert {day: rows[day] for day in counts} == counts
    everything = "".join(map(str, (mail.as_string(), plain.get_content(), page, empty.as_string())))
    assert not re.search(f"ALG-202|DS-301|SQL-201|{SPREADSHEET_ID}|/runs/flow-run/", everything)
    assert f"{EMPTY}, 14 мар. – 17 мар.: За 28 дней не было ни одной попытки" in empty["Subject"].replace("\xa0", " ")
    assert "верен ли его ключ в EMAIL_TO?" in text(empty)
    # What is stored is what is attached, and lists nobody.
    for folder in ("", f"{COURSE}/"):
        name = f"{folder}{FIRST}_{LAST}.html"
        assert "student_list" not in (whole.home / "web" / name).read_text("utf-8")
        url = f"https://reports.example/codegrader/{name.replace('+', '%2B')}"
        assert len([one for one in mails.values() if url in text(one)]) == 1
    assert (whole.home / "web" / name).read_text("utf-8") == page


@fault(
    "mail",
    "the mail of one group of readers cannot be sent",
    "the others get theirs and are not told of it; the run fails; if it is run once more, only who has none gets one",
)
def test_one_mail_that_fails_keeps_no_reader_from_another(whole: Pipeline) -> None:
    whole.set_up(**READERS)
    smtp, before = whole.world.smtp, len(whole.world.smtp.messages)
    smtp.behaviour = SmtpBehaviour(refuse_recipients={NEWCOMER: "550 5.1.1 No such mailbox"})
    state = whole.run(FIRST, FIRST)
    smtp.behaviour = SmtpBehaviour()
    assert state.is_failed()
    assert f"mail failed: mail server {smtp.host}:{smtp.port} refused {NEWCOMER} (550 5.1.1" in str(state.message)
    mails = smtp.messages[before:]
    assert [tuple(map(str, mail["To"].addresses)) for mail in mails] == [(READER,), (AUTHOR, ASSISTANT)]
    assert not any(NEWCOMER in mail.as_string() or "СБОЙ" in mail["Subject"] for mail in mails)

    with get_client(sync_client=True) as client, whole.environment({}):
        run = client.read_flow_run(UUID(str(state.state_details.flow_run_id)))
        client.set_flow_run_state(run.id, AwaitingRetry(), force=True)
        run_flow(codegrader_etl, flow_run=client.read_flow_run(run.id), parameters=run.parameters, return_type="state")
        assert client.read_flow_run(run.id).state_name == "Completed"
    assert [tuple(map(str, mail["To"].addresses)) for mail in smtp.messages[before + 2 :]] == [(NEWCOMER,)]


@fault("report", "the storage Block is not there", "the page in the private folder is written; the mails say so")
def test_a_report_that_cannot_be_stored_costs_nothing_else(whole: Pipeline) -> None:
    whole.set_up(**READERS | {"REPORT_STORAGE": "local-file-system/none"})
    before = len(whole.world.smtp.messages)
    state = whole.run(LAST, LAST)
    assert state.is_failed()
    told = "report storage: there is no Block local-file-system/none"
    assert f"report failed: {told}" in str(state.message)
    mails = whole.world.smtp.messages[before:]
    assert [told in text(mail) for mail in mails] == [True] * 3
    assert not any("https://reports.example" in text(mail) for mail in mails)
    assert (whole.home / "reports" / f"{LAST}.html").exists()


def test_the_report_of_one_course_can_be_made_at_any_time(whole: Pipeline) -> None:
    def report(*options: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "flows", "report", "--start-date", FIRST, "--end-date", LAST, *options]
        variables = os.environ | whole.variables()
        return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)

    made, refused = report("--course", COURSE), report("--course", "nonsense")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert refused.stderr.startswith("there is no course 'nonsense': choose one of course-v1:SandboxU+ALG-202+2023, ")
    path = whole.home / "reports" / COURSE / f"{FIRST}_{LAST}.html"
    assert (made.returncode, made.stdout, made.stderr) == (0, f"{path}\n", "")
    assert path.stat().st_mode & 0o777 == 0o600
    page, stored = path.read_text("utf-8"), (whole.home / "web" / COURSE / path.name).read_text("utf-8")
    # The same tables, and nothing of the run; the list of students is for the private copy.
    tables = [re.findall(r"<section.*?</section>", each, re.DOTALL) for each in (page, stored)]
    assert [each for each in tables[0] if "student_list" not in each] == tables[1] != []
    assert STATUS_SUCCEEDED.ru in stored
    assert STATUS_SUCCEEDED.ru not in page


def text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part
    return str(part.get_content())


@fault("records", "the same run twice", "the second asks for nothing and touches no row")
def test_a_second_run_asks_for_nothing_and_touches_nothing(whole: Pipeline) -> None:
    whole.set_up()
    tables, asked = whole.tables(), len(whole.world.grader.requests)

    state = whole.run(FIRST, LAST)

    assert state.is_completed(), state.message
    assert "nothing has changed" in str(state.message)
    assert len(whole.world.grader.requests) == asked
    assert whole.tables() == tables
    records = sum(int(attempts) for attempts, *_ in generated_history().days.values())
    assert whole.rows("SELECT sum(new), sum(changed), sum(unchanged) FROM loaded_windows") == [(0, 0, records)]

    assert whole.run(FIRST, FIRST, refresh=True).is_completed()
    assert len(whole.world.grader.requests) == asked + 4


class ByFour(RecordList):
    """Answers four requests together, however long the fourth takes to come."""

    _barrier = Barrier(4)

    def between(self, start: datetime, end: datetime) -> Sequence[object]:
        self._barrier.wait(120)
        return super().between(start, end)


def test_all_connections_are_used_and_no_more_than_are_allowed(pipelines: Pipelines) -> None:
    hourly = [record(created_at=f"2023-05-31 {hour:02}:30:00.000000") for hour in range(24)]
    pipeline = pipelines.make(ByFour(hourly), latency_per_record=0.2)
    state = pipeline.run("2023-05-31", window_hours=2, publish=False)
    assert state.is_completed(), state.message
    assert pipeline.world.grader.max_parallel_seen == 4


@fault("records", "two runs over overlapping halves, in either order", "the tables of one run")
def test_overlapping_halves_in_either_order_make_the_same_tables(pipelines: Pipelines) -> None:
    halves, left = [("2023-03-14", "2023-03-15"), ("2023-03-15", "2023-03-16")], []
    expected = {day: figures for day, figures in generated_history().days.items() if day < LAST}
    for order in (1, -1):
        pipeline = pipelines.make(generated_history().source)
        for first, last in halves[::order]:
            assert pipeline.run(first, last, publish=False).is_completed()
        # The days that both halves have are asked for once.
        windows = Counter((request.start, request.end) for request in pipeline.world.grader.requests)
        assert (len(windows), set(windows.values())) == (4 * 3, {1})
        assert {day: tuple(figures) for day, *figures in pipeline.rows(STORED)} == expected
        left.append(pipeline.contents())
    assert left[0] == left[1]
