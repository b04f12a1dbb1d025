"""The query of the data contract shows every rejected record, whatever the API put into it."""

import re
import subprocess
from typing import Final

import pytest
from hypothesis import HealthCheck, example, given, settings
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


def query_of_the_contract() -> str:
    """The query as psql gets it, once the shell has read the command."""
    page = CONTRACT.read_text("utf-8")
    (command,) = re.findall(r'^codegrader psql -c ("[^"]*\bAS readable\b[^"]*")$', page, re.MULTILINE)
    return subprocess.run(["bash", "-c", f"printf %s {command}"], check=True, capture_output=True, text=True).stdout


@fault("records", "NUL or half a character anywhere in a rejected record", "the documented query shows it all the same")
@pytest.mark.parametrize("text", UNSTORABLE)
@pytest.mark.parametrize("key", ["created_at", "remark", "a key"])
def test_the_query_shows_a_record_whatever_is_in_it(engine: Engine, text: str, key: str) -> None:
    time = record()["created_at"]
    changes: Record = {text: 1} if key == "a key" else {key: f"{time}{text}"}
    load(engine, [record(is_correct=7) | changes])
    ((_, reasons, moment, verdict),) = rows(engine, query_of_the_contract())
    assert "allowed verdicts" in reasons
    assert moment.startswith(time)
    assert verdict == "7"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=4), value=ANY_VALUE)
@example(texts=["\ud800", "\x00\\", "\\u", "0000"], value="\\\\")
def test_the_query_shows_every_rejected_record(engine: Engine, texts: list[str], value: object) -> None:
    empty_all(engine)
    load(engine, [record(is_correct=[text], remark={text: value}, created_at=value) for text in texts])
    expected = column(engine, "SELECT count(*) FROM rejected_records WHERE 'allowed verdicts' = ANY (reasons)")
    assert [len(rows(engine, query_of_the_contract()))] == expected


def test_the_query_shows_a_record_that_is_nested_too_deeply(engine: Engine) -> None:
    load(engine, [record(is_correct=parse_records("[" * 900 + "]" * 900), remark="\x00")])
    assert len(rows(engine, query_of_the_contract())) == 1
