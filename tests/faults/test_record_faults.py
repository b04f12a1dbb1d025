"""Each way in which a record can be odd, bad or hostile, over HTTP and into a real database: it costs only itself."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from schemas.period import days_between
from schemas.record import Record
from schemas.summary import LoadCounts
from tasks.figures import compute_figures
from tasks.grader_api import fetch_records, parse_records
from tasks.transform import MAX_ID_CHARACTERS, storable
from tests.faults import fault, faults
from tests.fixtures.pipelines import Pipelines
from tests.fixtures.records import COURSE, STUDENT, WINDOW, numbered, passback, record, submit
from tests.integration.loading import column, load, rows
from tests.sandbox.grader import GraderSandbox, RecordList
from tests.sandbox.world import READER, SPREADSHEET_ID

GOOD: Final = numbered(3)
LTI: Final = {"lis_result_sourcedid": f"{COURSE}:lms.skillfactory.ru-ca3ecf8e5f284c329eb7bd529e1a9f7e:{STUDENT}"}
UTC_ZONE: Final = ZoneInfo("UTC")
PARSED: Final = "LTI parameters parsed"
TYPES: Final = "allowed attempt types"


class Whatever:
    """Answers every window with the same records, whatever their times are."""

    def __init__(self, records: Sequence[object]) -> None:
        self._records = records

    def between(self, start: datetime, end: datetime) -> Sequence[object]:  # noqa: ARG002 - the protocol's
        return self._records


@pytest.fixture(scope="module")
def grader() -> Iterator[GraderSandbox]:
    with GraderSandbox([]) as grader:
        yield grader


def load_from(grader: GraderSandbox, engine: Engine, *odd: object) -> LoadCounts:
    """Asks for a window that holds odd records among good ones, and loads it."""
    grader.replace_records(Whatever([GOOD[0], *odd, *GOOD[1:]]))
    counts = load(engine, parse_records(fetch_records(grader.url, grader.client, grader.client_key, WINDOW)))
    assert counts.fetched == len(GOOD) + len(odd) == counts.new + counts.rejected + counts.duplicates
    good = column(engine, "SELECT user_id FROM attempts WHERE user_id LIKE '0000%' ORDER BY 1")
    assert good == [one["lti_user_id"] for one in GOOD]
    return counts


def without(name: str) -> Record:
    """A record that lacks a key."""
    return {key: value for key, value in record().items() if key != name}


ODD: Final[dict[str, tuple[Record, str | None, dict[str, object]]]] = {
    "no `lis_outcome_service_url`": (record(passback_params=passback(lis_outcome_service_url=...)), None, {}),
    "`passback_params` as JSON": (record(passback_params=json.dumps(LTI)), None, {"course": COURSE}),
    "`passback_params` as an object": (record(passback_params=LTI), None, {"course": COURSE}),
    "`is_correct` as `true`": (submit(is_correct=True), None, {"is_correct": 1}),
    "`is_correct` as `false`": (submit(is_correct=False), None, {"is_correct": 0}),
    '`is_correct` as `"1"`': (submit(is_correct="1"), None, {"is_correct": 1}),
    "`is_correct` as `1.0`": (submit(is_correct=1.0), None, {"is_correct": 1}),
    "`created_at` without a fraction": (record(created_at="2023-05-31 09:16:11"), None, {}),
    "`created_at` with `T`": (record(created_at="2023-05-31T09:16:11.5"), None, {}),
    "`created_at` with an offset": (record(created_at="2023-05-31T14:59:59.9+03:00"), None, {}),
    "an unknown key": (record(grade={"a": [1, None]}), None, {}),
    "`attempt_type` as `test`": (record(attempt_type="test"), None, {"attempt_type": "test"}),
    "`passback_params` null": (record(passback_params=None), PARSED, {}),
    "`passback_params` empty": (record(passback_params=""), PARSED, {}),
    "`passback_params` `'None'`": (record(passback_params="None"), PARSED, {}),
    "`passback_params` not a dictionary": (record(passback_params="[1, 2]"), PARSED, {}),
    "`passback_params` not parsable": (record(passback_params="{'a': "), PARSED, {}),
    "`passback_params` a number": (record(passback_params=17), PARSED, {}),
    "`passback_params` missing": (without("passback_params"), PARSED, {}),
    "`lis_result_sourcedid` missing": (record(passback_params=passback(lis_result_sourcedid=...)), PARSED, {}),
    "a run with a verdict": (record(is_correct=1), "run without verdict", {"is_correct": 1}),
    "a submit without a verdict": (submit(is_correct=None), "submit with verdict", {"is_correct": None}),
    "an unknown `attempt_type`": (record(attempt_type="exam"), TYPES, {"attempt_type": "exam"}),
    "`attempt_type` missing": (without("attempt_type"), TYPES, {"attempt_type": None}),
}
"""A record, the warning check that it fails if any, and columns in which it is loaded."""


@pytest.mark.parametrize(
    ("odd", "check", "columns"), faults("records", "loaded; what is amiss is a warning of the check that it fails", ODD)
)
def test_an_odd_record_is_loaded(
    grader: GraderSandbox, engine: Engine, odd: Record, check: str | None, columns: dict[str, object]
) -> None:
    assert load_from(grader, engine, odd).new == len(GOOD) + 1
    (row,) = rows(engine, "SELECT * FROM attempts WHERE user_id = :student", student=STUDENT)
    assert {name: getattr(row, name) for name in columns} == columns
    (checks,) = column(engine, "SELECT checks FROM loaded_windows")
    assert [one["check"] for one in checks if one["rows"]] == ([check] if check else [])


BAD: Final[dict[str, tuple[Record, list[str]]]] = {
    "`lti_user_id` null": (record(lti_user_id=None), ["user id present"]),
    "`lti_user_id` empty": (record(lti_user_id=""), ["user id present"]),
    "`lti_user_id` blank": (record(lti_user_id=" \t"), ["user id present"]),
    "`lti_user_id` missing": (without("lti_user_id"), ["user id present"]),
    "`lti_user_id` a number": (record(lti_user_id=17), ["user id present"]),
    "`lti_user_id` of 201 characters": (record(lti_user_id="x" * 201), ["user id present"]),
    "`is_correct` another number": (submit(is_correct=2), ["allowed verdicts"]),
    "`is_correct` a fraction": (submit(is_correct=0.5), ["allowed verdicts"]),
    "`is_correct` a text": (submit(is_correct="yes"), ["allowed verdicts"]),
    "`is_correct` a list": (submit(is_correct=[1]), ["allowed verdicts"]),
    "`created_at` null": (record(created_at=None), ["valid time"]),
    "`created_at` not a date": (record(created_at="yesterday, at nine"), ["valid time"]),
    "`created_at` a day that is none": (record(created_at="2023-02-30 09:00:00"), ["valid time"]),
    "`created_at` a number": (record(created_at=1685524571), ["valid time"]),
    "`created_at` missing": (without("created_at"), ["valid time"]),
    "a time before the window": (record(created_at="2023-05-31 05:59:59.9"), ["inside the window"]),
    "a time at the window's end": (record(created_at="2023-05-31 12:00:00"), ["inside the window"]),
    "a time in the year 1": (record(created_at="0001-01-01 00:00:00"), ["inside the window"]),
    "a time in the future": (record(created_at="9999-12-31 23:59:59"), ["no date in the future", "inside the window"]),
    "a record without anything": ({}, ["user id present", "valid time"]),
}
"""A record, and the error checks for which it is rejected."""


@pytest.mark.parametrize(
    ("bad", "reasons"), faults("records", "rejected alone, with the error checks that it fails", BAD)
)
def test_a_bad_record_rejects_itself_alone(
    grader: GraderSandbox, engine: Engine, bad: Record, reasons: list[str]
) -> None:
    counts = load_from(grader, engine, bad)
    assert (counts.new, counts.rejected) == (len(GOOD), 1)
    assert rows(engine, "SELECT record, reasons FROM rejected_records") == [(bad, reasons)]


# --- hostile texts

HOSTILE: Final = {
    "a text of 1 MB": "Ж" * 500_000,
    "10,000 nested brackets": "[" * 10_000 + "]" * 10_000,
    "10,000 nested dictionaries": "{'a':" * 10_000 + "1" + "}" * 10_000,
    "NUL": "a\x00b",
    "half a character": "a\ud800b",
    "right-to-left marks": "\u202eabc\u200f\u2066",
    "a formula (=)": '=HYPERLINK("http://x.example","here")',
    "a formula (+)": "+1+cmd|' /C calc'!A0",
    "a formula (-)": "-2+3",
    "a formula (@)": "@SUM(A1:A9)",
    "a formula (tab)": "\t=1+1",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;",
    "a mail's header": "x\r\nBcc: everybody@x.example\r\n\r\nbody",
    "SQL": "'); DROP TABLE attempts; --",
    "COPY's own signs": "\\N\t\\.\n\\",
    "format signs": "%s %(user)s {0} {user.__class__} :user $1",
    "terminal controls": "\x1b[2J\x07\x9b",
    "a Python call": "__import__('os').abort()",
}


@pytest.mark.parametrize(
    "text",
    faults(
        "records",
        "kept as text wherever it stands; as a time or a verdict rejected alone",
        {what: [text] for what, text in HOSTILE.items()},
    ),
)
def test_a_hostile_text_is_only_a_text(grader: GraderSandbox, engine: Engine, text: str) -> None:
    parameters = {"oauth_consumer_key": text, "lis_result_sourcedid": text, "lis_outcome_service_url": text}
    user = f"user {text}"
    is_id = len(user) <= MAX_ID_CHARACTERS
    loaded = [
        *([record(lti_user_id=user)] if is_id else []),
        record(attempt_type=text),
        record(passback_params=text, created_at="2023-05-31 09:16:12"),
        record(passback_params=parameters, created_at="2023-05-31 09:16:13"),
        record(**{text: text}, created_at="2023-05-31 09:16:14"),
    ]
    bad = [submit(is_correct=text), submit(created_at=text), {text: text}]
    bad += [] if is_id else [record(lti_user_id=user)]

    counts = load_from(grader, engine, *loaded, *bad)

    assert (counts.new, counts.rejected) == (len(GOOD) + len(loaded), len(bad))
    kept = rows(engine, "SELECT * FROM attempts ORDER BY created_at DESC LIMIT 5")
    assert (storable(user) in {row.user_id for row in kept}) == is_id
    assert storable(text) in {row.attempt_type for row in kept}
    assert (storable(text),) * 3 in {tuple(row)[2:5] for row in kept}
    assert text in [json.loads(row.passback_params) for row in kept if row.passback_params]
    rejected = rows(engine, "SELECT record, reasons FROM rejected_records")
    assert all(one.record in bad for one in rejected)
    assert sorted(one.reasons for one in rejected) == [
        ["allowed verdicts"],
        *([] if is_id else [["user id present"]]),
        ["user id present", "valid time"],
        ["valid time"],
    ]
    (checks,) = column(engine, "SELECT checks FROM loaded_windows")
    assert all(len(one["sample"]) < 300 and one["sample"].isprintable() for one in checks)


@fault("records", "ids as long as may be, and longer ones", "figures are computed; what is longer is no course or task")
def test_long_ids_fit_into_the_figures(grader: GraderSandbox, engine: Engine) -> None:
    # Four bytes each, and none like another, so that nothing can be packed.
    longest = [
        "".join(chr(0x20000 + 997 * number + place) for place in range(MAX_ID_CHARACTERS)) for number in range(3)
    ]
    user, course, task = longest[0], f"course-v1:{longest[1]}"[:MAX_ID_CHARACTERS], longest[2]
    within, beyond = (f"{course}:lms-{task}:{user}", f"{course}:lms-{task}+:{user}")
    odd = [record(lti_user_id=user, passback_params=passback(lis_result_sourcedid=each)) for each in (within, beyond)]
    odd[1]["created_at"] = "2023-05-31 09:16:12.5"
    load_from(grader, engine, *odd)

    compute_figures(engine, days_between(WINDOW.start, WINDOW.end, UTC_ZONE), UTC_ZONE)

    found = rows(engine, "SELECT course, task FROM student_task_days WHERE user_id = :user ORDER BY 1", user=user)
    assert [tuple(row) for row in found] == [("", ""), (course, task)]


@pytest.mark.stress
@fault(
    "records",
    "hostile texts in every key, under a whole run",
    "loaded or rejected; sheet, report and mail show figures, and short samples made harmless",
)
def test_no_text_of_a_record_does_anything_to_a_reader(pipelines: Pipelines) -> None:
    day, records, count = "2023-05-31", [], len(HOSTILE)
    long = sum(len(text) > MAX_ID_CHARACTERS for text in HOSTILE.values())
    for number, text in enumerate(HOSTILE.values()):
        at = {"created_at": f"{day} 09:{number:02}:00"}
        records += [
            record(**at, lti_user_id=text, **{text: text}),
            record(**at, attempt_type=text, passback_params=text),
            record(**at, passback_params=passback(lis_result_sourcedid=text, oauth_consumer_key=text)),
            submit(**at, is_correct=text, lti_user_id=text),
            submit(**at, lti_user_id=f"{number:032x}"),
        ]
    pipeline = pipelines.make(RecordList(records))

    state = pipeline.run(day, day, max_rejected_share=1.0)

    assert state.is_completed(), state.message
    sums = pipeline.rows("SELECT sum(fetched), sum(new), sum(rejected) FROM loaded_windows")
    assert sums == [(5 * count, 4 * count - long, count + long)]
    (row,) = pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")[1:]
    assert row[:3] == [day, str(4 * count - long), str(count)]
    (mail,) = pipeline.world.smtp.messages
    assert (mail["To"], mail["Bcc"], mail["Cc"]) == (READER, None, None)
    plain, html = (str(part.get_content()) for part in mail.walk() if part.get_content_maintype() == "text")
    page = (pipeline.home / "reports" / f"{day}.html").read_text()
    # The page has one script, its own.
    for text in (page.replace("<script>", "", 1), html):
        assert not re.search("<script>|<img[^>]*onerror", text)
    for text in (page, html, plain, pipeline.log()):
        assert not re.search("[\x00\x07\x1b\x9b\u202e\u200f\u2066]|[Ж\\[]{30}", text)
