"""An answer's JSON: a record is read the same whatever else is in the answer, and an odd one costs no other."""

import json

import pytest
from hypothesis import given

from tasks.grader_api import parse_records
from tests.fixtures.odd_records import ANY_VALUE

DEEP = "[" * 10_000 + '"]}\\""' + "]" * 10_000


@pytest.mark.parametrize(
    "number",
    [
        *("0", "-0", "1.0", "1e5", "9223372036854775807", "-9223372036854775808", "-9223372036854775809"),
        *("18446744073709551615", "18446744073709551616", "-1" + "0" * 19, "1" * 5_000, "-" + "1" * 5_000, "1e999"),
    ],
)
def test_a_number_is_read_the_same_beside_one_that_is_none(number: str) -> None:
    (alone,) = parse_records(f"[{number}]")
    beside, _ = parse_records(f"[{number}, NaN]")
    assert (beside, type(beside)) == (alone, type(alone))


@given(ANY_VALUE)
def test_a_value_is_read_the_same_beside_one_that_is_odd(value: object) -> None:
    written = json.dumps(value)
    alone = parse_records(written)
    assert parse_records(f"[{written}, NaN]") == [alone, "NaN"]
    assert parse_records(f'[{written}, "\n\x00"]') == [alone, "\n\x00"]
    assert parse_records(f"[{written}, {DEEP}]")[0] == alone


def test_what_is_nested_too_deeply_is_kept_as_text() -> None:
    first, deep, last = parse_records(f'["[[", {DEEP}, {{"a": [1]}}]')
    assert (first, last) == ("[[", {"a": [1]})
    depth = 0
    while isinstance(deep, list):
        (deep,) = deep
        depth += 1
    assert isinstance(deep, str)
    assert "[" * depth + deep + "]" * depth == DEEP


@pytest.mark.parametrize("broken", ["[" * 10_000, f"[{DEEP}", f"[{DEEP}]]", "[{]", '["a]', "]" * 10, "[1,]", '["\\x"]'])
def test_what_is_no_json_is_refused(broken: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        parse_records(broken)
