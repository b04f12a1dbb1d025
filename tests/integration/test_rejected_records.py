"""The query of the data contract shows every rejected record, whatever the API put into it."""

import re
import subprocess
from functools import cache
from typing import Final

from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import Engine

from schemas.record import Record
from tasks.grader_api import parse_records
from tests.faults import fault
from tests.fixtures.odd_records import ANY_TEXT, ANY_VALUE
from tests.fixtures.prefect_server import ROOT
from tests.fixtures.records import record
from tests.integration.loading import column, empty_all, load, rows

CONTRACT: Final = ROOT / "docs" / "data-contract.md"
UNSTORABLE: Final = ["\x00", "\ud800", "\udc00", "\udc00\ud800", "\ud83d\ude00", "\\u0000", "\\", "\\\x00", '"\x00"']


@cache
def query_of_the_contract() -> str:
    """The query as psql gets it, once the shell has read the command."""
    page = CONTRACT.read_text("utf-8")
    (command,) = re.findall(r'^codegrader psql -c ("[^"]*\bAS readable\b[^"]*")$', page, re.MULTILINE)
    return subprocess.run(["bash", "-c", f"printf %s {command}"], check=True, capture_output=True, text=True).stdout


@fault("records", "NUL or half a character anywhere in a rejected record", "the documented query shows it all the same")
def test_the_query_shows_a_record_whatever_is_in_it(engine: Engine) -> None:
    time = record()["created_at"]
    odd: list[Record] = []
    for text in UNSTORABLE:
        odd += [{"created_at": f"{time}{text}"}, {"remark": f"{time}{text}"}, {text: 1}]
    # Nested more deeply than its own parser reads at once.
    odd += [{"is_correct": parse_records("[" * 900 + "]" * 900), "remark": "\x00"}]

    load(engine, [record(is_correct=7) | changes for changes in odd])

    found = rows(engine, query_of_the_contract())
    assert len(found) == len(odd)
    for _, reasons, moment, verdict in found:
        assert "allowed verdicts" in reasons
        assert moment.startswith(time)
        assert verdict.startswith(("7", "[[["))


@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=4), value=ANY_VALUE)
@example(texts=["\ud800", "\x00\\", "\\u", "0000"], value="\\\\")
def test_the_query_shows_every_rejected_record(engine: Engine, texts: list[str], value: object) -> None:
    empty_all(engine)
    load(engine, [record(is_correct=[text], remark={text: value}, created_at=value) for text in texts])
    expected = column(engine, "SELECT count(*) FROM rejected_records WHERE 'allowed verdicts' = ANY (reasons)")
    assert [len(rows(engine, query_of_the_contract()))] == expected
