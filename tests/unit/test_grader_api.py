"""What an answer's bytes and its `Retry-After` say; the rest of the API's client is tested over HTTP."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import CodegraderError, PermanentError, TransientError
from tasks.grader_api import decode_records, parse_records, read_retry_after
from tests.faults import fault
from tests.fixtures.odd_records import ANY_VALUE, windows
from tests.fixtures.records import record

# --- the body


@pytest.mark.parametrize(
    ("body", "records"),
    [
        (b"[]", []),
        (b" \r\n[ ]\n", []),
        (b'\xef\xbb\xbf[{"a": 1}]', [{"a": 1}]),
        ('[{"имя": "Ж"}]'.encode(), [{"имя": "Ж"}]),
        (b'[{"a": "\xff\xfe"}]', [{"a": "\ufffd\ufffd"}]),
        (b'[{"a": "\\ud800\\u0000"}]', [{"a": "\ud800\x00"}]),
        (b'[{"a": NaN, "b": -Infinity}]', [{"a": "NaN", "b": "-Infinity"}]),
        (b"[{}, {}]", [{}, {}]),
    ],
)
def test_a_list_of_objects_is_an_answer(body: bytes, records: list[object]) -> None:
    assert parse_records(decode_records(body)) == records


@given(windows())
def test_whatever_is_in_the_records_they_arrive_as_they_were_sent(window: list[dict[str, object]]) -> None:
    body = json.dumps(window).encode()
    assert decode_records(body) == body.decode()


@pytest.mark.parametrize(
    "body", [b"", b" \n", b"[", b"[{", b'[{"a": 1}', b'[{"a": 1},', b'[{"a": "x', b"[}", b"[" * 100_000, b"[] []"]
)
def test_a_list_that_does_not_end_may_come_whole_the_next_time(body: bytes) -> None:
    with pytest.raises(TransientError):
        decode_records(body)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        *((body, "not a list of records") for body in (b"null", b"true", b'"no data"', b"17", b"{}", b'{"data": []}')),
        *((body, "something else than records") for body in (b"[1]", b"[{}, null]", b"[[]]")),
        (b"<html><body>Bad gateway</body></html>", "GRADER_API_URL"),
        (b"{" * 100_000, "GRADER_API_URL"),
        (b'{"errors": ["one\n", {"two": 2}]}', r"it refused: \['one ', {'two': 2}\]"),
        (b'{"errors": null}', "it refused: None"),
        (b'{"errors": "a\n\tb"}', "it refused: a b$"),
        (json.dumps({"errors": "x" * 1_000}).encode(), "it refused: x"),
        (json.dumps({"errors": "%25" * 333_333 + "s"}).encode(), r"it refused: a text of 1,000,000 characters$"),
    ],
)
def test_anything_else_than_a_list_of_objects_is_not_worth_asking_for_again(body: bytes, complaint: str) -> None:
    with pytest.raises(PermanentError, match=complaint) as refusal:
        decode_records(body, "secret-key")
    assert len(str(refusal.value).splitlines()) == 1
    assert len(str(refusal.value)) < 300


@fault("grader API", "its error repeats the key as an address, HTML or JSON spells it", "quoted without the key")
@pytest.mark.parametrize(
    "written",
    [
        "s3cret/+ ключ",
        quote("s3cret/+ ключ", safe=""),
        quote_plus("s3cret/+ ключ"),
        # In small letters; with the slash kept; quoted twice; as HTML; as JSON inside JSON.
        "s3cret%2f%2b%20%d0%ba%d0%bb%d1%8e%d1%87",
        quote("s3cret/+ ключ"),
        quote(quote("s3cret/+ ключ", safe=""), safe=""),
        "s3cret&#x2F;&#43;&#32;&#1082;&#1083;&#1102;&#1095;",
        "s3cret\\/+ \\u043a\\u043b\\u044e\\u0447",
    ],
)
# Long enough that the message ends in the middle of the key.
@pytest.mark.parametrize("padding", [0, 172, 183])
def test_an_error_that_repeats_the_key_is_quoted_without_it(written: str, padding: int) -> None:
    complaint = f"{'x' * padding} client_key={written} is unknown"
    for errors in (complaint, [complaint], {"message": complaint}):
        with pytest.raises(PermanentError, match="it refused: ") as refusal:
            decode_records(json.dumps({"errors": errors}).encode(), "s3cret/+ ключ")
        assert "s3" not in str(refusal.value)


@fault("grader API", "its error names a student in another spelling", "the id is cut short")
def test_an_error_that_names_a_student_is_quoted_without_the_id() -> None:
    complaint = "no such user: ivan.petrov%40university.example, 3583bf109f8b458e%31%33ae1ac9d85c396a"
    with pytest.raises(PermanentError) as refusal:
        decode_records(json.dumps({"errors": complaint}).encode())
    assert str(refusal.value) == "grader API: it refused: no such user: ivan… 3583…"


@fault("grader API", "any bytes at all, made up", "a list, or an error that explains itself")
@given(st.binary(max_size=60) | st.builds(lambda value: json.dumps(value).encode(), ANY_VALUE))
def test_any_bytes_are_a_list_or_an_error_that_explains_itself(body: bytes) -> None:
    try:
        answer = parse_records(decode_records(body))
    except CodegraderError:
        return
    assert isinstance(answer, list)


@fault("grader API", "a part of an answer, of any length", "never taken for an answer")
@given(st.lists(st.just(record()), min_size=1, max_size=3), st.floats(0, 1, exclude_max=True))
def test_part_of_an_answer_is_never_an_answer(window: list[dict[str, object]], share: float) -> None:
    whole = json.dumps(window).encode()
    with pytest.raises(TransientError):
        decode_records(whole[: int(len(whole) * share)])


# --- Retry-After


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry-After": " 120 "}, 120, 120),
        ({"Retry-After": f"{datetime.now(UTC) + timedelta(hours=1):%a, %d %b %Y %H:%M:%S GMT}"}, 3000, 3600),
        # A date that has passed: at once.
        ({"Retry-After": "Fri, 31 Mar 2023 12:00:00 GMT"}, 0, 0),
        *(({"Retry-After": nonsense}, None, None) for nonsense in ("", "soon", "-5", "1.5", "٣", "7 seconds", "NaN")),
        ({}, None, None),
    ],
)
def test_the_wait_is_read_in_seconds_or_as_a_date(
    headers: dict[str, str], least: float | None, most: float | None
) -> None:
    wait = read_retry_after(headers)
    assert wait == least == most or (least and most and wait and least < wait <= most)


@fault("grader API", "any Retry-After, made up", "a wait that is not negative, or none")
@given(st.text() | st.text("0123456789 :+-JanMoGMTUC,", max_size=40))
def test_any_other_header_is_a_wait_or_nonsense(header: str) -> None:
    wait = read_retry_after({"Retry-After": header})
    assert wait is None or wait >= 0
