"""Hostile texts in every key of every record, under a whole run: nothing of them does anything to a reader."""

import re

import pytest

from schemas.record import Record
from tests.faults import fault
from tests.faults.test_record_faults import HOSTILE
from tests.fixtures.pipelines import Pipelines
from tests.records import passback, record, submit
from tests.sandbox.grader import RecordList
from tests.sandbox.world import READER, SPREADSHEET_ID

pytestmark = pytest.mark.stress

DAY = "2023-05-31"


def hostile_records() -> list[Record]:
    """Each text in each place; a third of the records cannot be loaded."""
    found: list[Record] = []
    for number, text in enumerate(HOSTILE.values()):
        moment = f"{DAY} 09:{number:02}:00"
        found += [
            record(lti_user_id=text, created_at=moment, **{text: text}),
            record(attempt_type=text, created_at=moment, passback_params=text),
            record(created_at=moment, passback_params=passback(lis_result_sourcedid=text, oauth_consumer_key=text)),
            submit(is_correct=text, created_at=moment, lti_user_id=text),
            submit(is_correct=1, created_at=moment, lti_user_id=f"{number:032x}"),
        ]
    return found


@fault(
    "records",
    "hostile texts in every key, under a whole run",
    "loaded or rejected; sheet, report and mail show figures, and short samples made harmless",
)
def test_no_text_of_a_record_does_anything_to_a_reader(pipelines: Pipelines) -> None:
    pipeline = pipelines.make(RecordList(hostile_records()))

    state = pipeline.run(DAY, DAY, max_rejected_share=1.0)

    assert state.is_completed(), state.message
    count = len(HOSTILE)
    ((fetched, loaded, rejected),) = pipeline.rows("SELECT sum(fetched), sum(new), sum(rejected) FROM loaded_windows")
    assert (fetched, loaded, rejected) == (5 * count, 4 * count, count)
    (row,) = pipeline.world.sheets.cells(SPREADSHEET_ID, "RawData")[1:]
    assert row[:3] == [DAY, str(4 * count), str(count)]
    (mail,) = pipeline.world.smtp.messages
    assert (mail["To"], mail["Bcc"], mail["Cc"]) == (READER, None, None)
    plain, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    page = (pipeline.home / "reports" / f"{DAY}.html").read_text()
    for text in (page, html.get_content()):
        assert not re.search("<script>|<img[^>]*onerror", text)
    for text in (page, html.get_content(), plain.get_content(), pipeline.log()):
        assert not re.search("[\x00\x07\x1b\x9b\u202e\u200f\u2066]|[Ж\\[]{30}", text)
