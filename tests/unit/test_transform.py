"""From a record, in whatever state it comes, to an attempt."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.attempt import Attempt
from schemas.record import to_json
from tasks.transform import read_time, read_times, read_verdict
from tests.fixtures.odd_records import ANY_TEXT, ANY_VALUE, records
from tests.fixtures.records import COURSE, STUDENT, TASK, URL, attempts_of, passback, record

SOURCED_ID = f"{COURSE}:lms.skillfactory.ru-{TASK}:{STUDENT}"
MEGABYTE = "x" * 1_000_000


def transformed(**changes: object) -> Attempt:
    (attempt,) = attempts_of([record(**changes)])
    return attempt


def test_a_usual_record_becomes_an_attempt() -> None:
    assert attempts_of([record()]) == [
        Attempt(
            id="8a3b4f3c-2003-5c99-828a-1fa4e4aa8f3e",
            user_id=STUDENT,
            oauth_consumer_key="",
            lis_result_sourcedid=SOURCED_ID,
            lis_outcome_service_url=URL,
            is_correct=None,
            attempt_type="run",
            created_at=datetime(2023, 5, 31, 9, 16, 11, 313646, UTC),
            course=COURSE,
            task=TASK,
            passback_params=None,
        )
    ]


# --- identity


@pytest.mark.parametrize(
    ("user", "created_at", "kind", "sourced_id", "identity"),
    [
        (STUDENT, "2023-05-31T09:16:11.313646", "run", SOURCED_ID, "8a3b4f3c-2003-5c99-828a-1fa4e4aa8f3e"),
        (STUDENT, "2023-05-31T09:16:11.000000", None, None, "941585fd-577b-5848-98b6-d39b769d6374"),
        ("Студент\x00\ud800", "2023-05-31T00:00:00.000000", '"', "", "ecdba150-e843-5190-b543-ff016edb8a03"),
    ],
)
def test_an_identity_never_changes(
    user: str, created_at: str, kind: str | None, sourced_id: str | None, identity: str
) -> None:
    parameters = {"lis_result_sourcedid": sourced_id}
    attempt = transformed(lti_user_id=user, created_at=created_at, attempt_type=kind, passback_params=parameters)
    assert attempt.id == identity
    content = json.dumps([user, f"{created_at}+00:00", kind, sourced_id])
    assert str(uuid.uuid5(uuid.UUID("a204b4e0-64b2-52cf-9556-a6835afe4f8a"), content)) == identity


@pytest.mark.parametrize(
    ("is_same", "change"),
    [
        # What may be corrected later.
        (True, {"is_correct": 1}),
        (True, {"passback_params": passback(lis_outcome_service_url=...)}),
        (True, {"passback_params": passback(oauth_consumer_key="another")}),
        (True, {"passback_params": json.dumps({"lis_result_sourcedid": SOURCED_ID})}),
        (True, {"created_at": "2023-05-31T12:16:11.313646+03:00"}),
        (True, {"an unknown key": ["x"]}),
        # Another student, time, type or task.
        (False, {"lti_user_id": "another"}),
        (False, {"created_at": "2023-05-31 09:16:11.313647"}),
        (False, {"attempt_type": "submit"}),
        (False, {"attempt_type": None}),
        (False, {"passback_params": passback(lis_result_sourcedid="another")}),
        (False, {"passback_params": passback(lis_result_sourcedid=...)}),
        (False, {"passback_params": None}),
    ],
)
def test_student_time_type_and_task_alone_make_the_identity(is_same: bool, change: dict[str, object]) -> None:
    changed = transformed(**change).id
    assert changed is not None
    assert (changed == transformed().id) == is_same


@pytest.mark.parametrize("change", [{"lti_user_id": None}, {"created_at": "soon"}])
def test_without_student_or_time_there_is_no_identity(change: dict[str, object]) -> None:
    assert transformed(**change).id is None


# --- student, type, time, verdict


@pytest.mark.parametrize("user", ["\t\n", True, [STUDENT], {"id": STUDENT}])
def test_blanks_and_what_is_no_text_name_no_student(user: object) -> None:
    assert transformed(lti_user_id=user).user_id is None


@pytest.mark.parametrize(
    ("given", "kept"), [("run", "run"), ("exam", "exam"), ("", ""), (None, None), (1, "1"), (["run"], '["run"]')]
)
def test_a_type_is_kept_as_it_is(given: object, kept: str | None) -> None:
    assert transformed(attempt_type=given).attempt_type == kept


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2023-05-31 09:16:11.313646", datetime(2023, 5, 31, 9, 16, 11, 313646, UTC)),
        ("2023-05-31 09:16:11", datetime(2023, 5, 31, 9, 16, 11, tzinfo=UTC)),
        ("2023-05-31 09:16:11.3", datetime(2023, 5, 31, 9, 16, 11, 300_000, UTC)),
        ("2023-05-31T09:16:11", datetime(2023, 5, 31, 9, 16, 11, tzinfo=UTC)),
        ("2023-05-31T09:16:11Z", datetime(2023, 5, 31, 9, 16, 11, tzinfo=UTC)),
        ("2023-05-31T01:16:11.5+03:00", datetime(2023, 5, 30, 22, 16, 11, 500_000, UTC)),
        ("2023-05-31 09:16:11-0330", datetime(2023, 5, 31, 12, 46, 11, tzinfo=UTC)),
        ("0001-01-01 00:00:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31 23:59:59.999999", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_a_time_is_read_with_or_without_fraction_t_and_offset(text: str, moment: datetime) -> None:
    assert read_time(text) == moment
    assert str(read_time(text)).endswith("+00:00")


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", 1685524571, 1685524571.3, True, ["2023-05-31 09:16:11"], MEGABYTE),
        *("2023-05-31", "20230531T091611.000000", "31.05.2023 09:16:11.000", "2023-02-29 09:16:11"),
        *("2023-05-31 24:16:11", "2023-05-31 09:16:11 MSK", "yesterday at nine o'clock"),
        *("0001-01-01 00:00:00+01:00", "9999-12-31 23:59:59-01:00"),
        *("2023-05-31 09:16:11 \x00", "２０２３-05-31 09:16:11", "2023-05-31 09:16:\ud8001"),
    ],
)
def test_anything_else_is_no_time(value: object) -> None:
    assert read_time(value) is None


USUAL_LOOKING = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat(" ", "microseconds")),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}", fullmatch=True),
    st.sampled_from(["0000-01-01 00:00:00.000000", "2023-02-29 09:16:11.313646", "2023-05-31 24:00:00.000000"]),
)


@given(st.lists(USUAL_LOOKING | st.sampled_from(["2023-05-31T09:16:11Z", "", "\n", None, 5]), max_size=3))
def test_times_read_at_once_are_those_read_one_by_one(values: list[object]) -> None:
    assert [moment.item() for moment in read_times(values)] == [
        None if moment is None else moment.replace(tzinfo=None) for moment in map(read_time, values)
    ]


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        *((value, value) for value in (None, 0, 1)),
        *((value, 0) for value in (False, 0.0, -0.0, "0")),
        *((value, 1) for value in (True, 1.0, "1", " 1 ")),
        *((2, "2"), (-1, "-1"), (0.5, "0.5"), (10**30, "1" + 30 * "0"), (float("inf"), '"Infinity"')),
        *(("", '""'), ("true", '"true"'), ("1.0", '"1.0"'), ("２", '"\\uff12"'), ([1], "[1]"), ({"a": 0}, '{"a": 0}')),
    ],
)
def test_a_verdict_is_zero_one_or_null_and_what_is_not_understood_does_not_become_one(
    value: object, verdict: int | str | None
) -> None:
    read = read_verdict(value)
    assert (read, type(read)) == (verdict, type(verdict))


@pytest.mark.parametrize(
    "sourced_id", ['a", "lis_result_sourcedid": "b', "it's", "\\/", "\\u0041", "'", '"', "", "None", "Ж"]
)
@pytest.mark.parametrize("write", [repr, json.dumps])
def test_lti_parameters_are_read_as_they_were_written(sourced_id: str, write: Callable[[object], str]) -> None:
    assert transformed(passback_params=write({"lis_result_sourcedid": sourced_id})).lis_result_sourcedid == sourced_id


def test_python_writes_a_backslash_in_another_way_than_json() -> None:
    assert transformed(passback_params=r"{'lis_result_sourcedid': 'a\/b'}").lis_result_sourcedid == r"a\/b"
    assert transformed(passback_params=r'{"lis_result_sourcedid": "a\/b"}').lis_result_sourcedid == "a/b"


# --- text that the database cannot hold


@pytest.mark.parametrize(
    ("odd", "shown"), [("a\x00b", "a\ufffdb"), ("a\ud800b", "a\ufffdb"), ("\udfff", "\ufffd"), ("😀", "😀")]
)
def test_what_the_database_cannot_hold_is_replaced(odd: str, shown: str) -> None:
    parameters = {"lis_result_sourcedid": odd, "oauth_consumer_key": odd, "lis_outcome_service_url": odd}
    attempt = transformed(lti_user_id=odd, attempt_type=odd, passback_params=parameters)
    assert {attempt.user_id, attempt.attempt_type, *attempt[2:5]} == {shown}


@pytest.mark.parametrize("odd", ["a\x00b", "a\ud800b"])
@pytest.mark.parametrize("place", ["lti_user_id", "attempt_type", "lis_result_sourcedid"])
def test_what_is_replaced_still_tells_attempts_apart(odd: str, place: str) -> None:
    texts = ({place: odd}, {place: "a\ufffdb"})
    one, other = (transformed(**text, passback_params=text).id for text in texts)
    assert one != other


@given(st.lists(records(), max_size=3))
def test_whatever_comes_can_be_stored(window: list[dict[str, object]]) -> None:
    attempts = attempts_of(window)
    assert attempts == [attempt for one in window for attempt in attempts_of([one])]
    for text in (value for attempt in attempts for value in attempt if isinstance(value, str)):
        assert "\x00" not in text
        text.encode()


@given(ANY_VALUE)
def test_whatever_comes_can_be_written_as_json(value: object) -> None:
    written = to_json(value)
    assert written.isascii()
    assert to_json(json.loads(written)) == written


@given(st.dictionaries(ANY_TEXT, ANY_VALUE))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert to_json(dict(reversed(value.items()))) == to_json(value)
