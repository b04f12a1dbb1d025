"""Which records are loaded, which are rejected, and what is said of them; odd and bad ones also in `tests/faults`."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.attempt import Checked
from schemas.record import Record
from schemas.summary import CheckResult
from tasks.check import add_results, check, mask
from tasks.transform import transform
from tests.faults import fault
from tests.fixtures.odd_records import windows
from tests.fixtures.records import (
    ANOTHER_STUDENT,
    NOW,
    STUDENT,
    WINDOW,
    attempts_of,
    passback,
    record,
    rows_of,
    submit,
)


def checked(*records: Record) -> Checked:
    return check(records, transform(records), WINDOW, NOW)


def everything(outcome: Checked) -> tuple[object, ...]:
    return (rows_of(outcome.accepted), outcome.rejected, outcome.duplicates, outcome.warnings, outcome.results)


def failed(outcome: Checked) -> dict[str, tuple[str, int]]:
    """The checks that something failed, with severity and number of rows."""
    return {result.check: (result.severity, result.rows) for result in outcome.results if result.rows}


def shown(results: Sequence[CheckResult]) -> str:
    return "\n".join(map(str, results))


@pytest.mark.parametrize(
    "usual",
    [
        submit(is_correct=0, lti_user_id=ANOTHER_STUDENT),
        record(attempt_type="check", is_correct=0),
        record(created_at="2023-05-31T14:59:59.999999+03:00"),
        record(created_at="2023-05-31 06:00:00"),
    ],
)
def test_what_is_known_to_happen_fails_no_check_and_every_check_is_named(usual: Record) -> None:
    outcome = checked(usual)
    assert (len(outcome.accepted), outcome.rejected, outcome.duplicates, outcome.warnings) == (1, (), 0, 0)
    assert [result.rows for result in outcome.results] == [0] * 15
    assert [result.severity for result in outcome.results].count("error") == 7


@pytest.mark.parametrize(
    ("bad", "reasons"),
    [
        (record(created_at="2023-05-31"), ["valid time"]),
        (record(created_at="2023-06-01 04:00:00.000001"), ["no date in the future", "inside the window"]),
        (submit(is_correct=2, lti_user_id=" "), ["user id present", "allowed verdicts"]),
    ],
)
def test_a_bad_record_is_rejected_with_all_its_reasons_and_not_warned_of_as_well(
    bad: Record, reasons: list[str]
) -> None:
    bad = bad | {"attempt_type": "exam", "passback_params": None}
    outcome = checked(record(created_at="2023-05-31 06:00:00"), bad)
    assert (len(outcome.accepted), outcome.warnings) == (1, 0)
    (rejected,) = outcome.rejected
    assert list(rejected.reasons) == reasons
    assert json.loads(rejected.record) == bad
    assert rejected.attempt_id == attempts_of([bad])[0].id
    assert failed(outcome) == dict.fromkeys(reasons, ("error", 1))


@pytest.mark.parametrize(
    "odd",
    [
        record(lti_user_id=f"{STUDENT}\x00"),
        record(passback_params=passback(lis_outcome_service_url="\ud800")),
        record(passback_params=passback(oauth_consumer_key="\x00")),
    ],
)
def test_a_text_that_was_replaced_is_a_warning(odd: Record) -> None:
    outcome = checked(submit(lti_user_id=ANOTHER_STUDENT), odd)
    assert (len(outcome.accepted), outcome.rejected, outcome.warnings) == (2, (), 1)
    assert failed(outcome) == {"storable text": ("warning", 1)}


# --- the same attempt more than once


@fault("records", "the same record twice", "loaded once; the copies are counted")
def test_copies_are_loaded_or_kept_once_and_counted() -> None:
    good = [record(), record(), submit(), record(created_at="2023-05-31T09:16:11.313646Z")]
    outcome = checked(*good, *[record(created_at=None)] * 2, *[submit(is_correct=2)] * 3)
    assert (len(outcome.accepted), len(outcome.rejected), outcome.duplicates) == (2, 2, 5)
    assert failed(outcome)["duplicate rows"] == ("warning", 5)


def at(*moments: str) -> list[Record]:
    return [record(created_at=f"2023-05-31 {moment}") for moment in moments]


@pytest.mark.parametrize(
    ("copies", "others", "counted"),
    [(1, 18, 0), (1, 19, 1), (1, 98, 1), (1, 99, 0), (2, 99, 2), (0, 100, 0)],
)
def test_more_than_a_few_duplicates_are_a_warning(copies: int, others: int, counted: int) -> None:
    window = at(*(f"09:{number // 60:02}:{number % 60:02}.5" for number in range(others)))
    outcome = checked(*window, *window[:1] * copies)
    assert failed(outcome).get("few duplicates", ("warning", 0)) == ("warning", counted)
    assert outcome.duplicates == copies


@fault("records", "all times are cut to the second or the minute", "loaded, with a warning that says so")
@pytest.mark.parametrize("fraction", ["", ".000000"])
def test_times_without_any_fraction_are_a_warning(fraction: str) -> None:
    cut = at(*(f"09:{number:02}:00{fraction}" for number in range(20)))
    outcome = checked(*cut)
    assert failed(outcome) == {"times with a fraction": ("warning", 20)}
    assert (len(outcome.accepted), outcome.warnings) == (20, 20)
    assert failed(checked(*cut[1:])) == {}, "so few may be a coincidence"
    assert failed(checked(*cut, *at("10:00:00.000001"))) == {}
    # What is rejected for another reason is not warned of as well.
    assert failed(checked(*cut, record(created_at=None)))["times with a fraction"] == ("warning", 20)


# Each pair claims to be one attempt; which comes first must not decide which is loaded, or for what one is rejected.
CONFLICTS = [
    (submit(is_correct=0), submit(is_correct=1)),
    (submit(is_correct=2), submit(is_correct=3)),
    (submit(is_correct=True, remark=1), submit(is_correct=1)),
    (submit(is_correct=False, remark=1), submit(is_correct=0)),
    (record(), record(passback_params=passback(lis_outcome_service_url=...))),
    (
        record(passback_params=passback(lis_outcome_service_url="")),
        record(passback_params=passback(lis_outcome_service_url=...)),
    ),
    (
        record(passback_params=passback(oauth_consumer_key="a")),
        record(passback_params=passback(oauth_consumer_key="b")),
    ),
    (record(passback_params="None"), record(passback_params=None)),
    # The same identity, for JSON writes both in the same way.
    (
        record(passback_params={"lis_result_sourcedid": "\ud83d\ude00"}),
        record(passback_params={"lis_result_sourcedid": "\U0001f600"}),
    ),
    (record(lti_user_id=None, remark=1), record(lti_user_id=None, remark=2)),
]


@fault("records", "records in conflict, in any order", "the same is loaded, the same rejected")
@pytest.mark.parametrize("pair", CONFLICTS)
def test_of_a_conflict_the_same_is_loaded_whatever_came_first(pair: tuple[Record, Record]) -> None:
    window = [*pair, submit(), pair[0]]
    for order in (window[::-1], window[1:] + window[:1]):
        assert everything(checked(*order)) == everything(checked(*window))


@settings(max_examples=25)
@given(windows(), st.data())
def test_every_record_is_loaded_rejected_or_a_duplicate_whatever_their_order(
    window: list[Record], data: st.DataObject
) -> None:
    outcome = checked(*window)
    assert everything(checked(*data.draw(st.permutations(window)))) == everything(outcome)
    assert len(window) == len(outcome.accepted) + len(outcome.rejected) + outcome.duplicates
    ids = outcome.accepted["id"].tolist()
    assert None not in ids
    assert ids == sorted(set(ids), key=str)
    kept = [rejected.record_id for rejected in outcome.rejected]
    assert kept == sorted(set(kept))
    assert all(rejected.reasons for rejected in outcome.rejected)
    for attempt in rows_of(outcome.accepted):
        assert attempt.user_id
        assert attempt.created_at is not None
        assert WINDOW.start <= attempt.created_at < WINDOW.end
        assert attempt.is_correct in (None, 0, 1)
    # What is shown of it is plain text that names nobody.
    assert all(str(result).isprintable() for result in outcome.results)
    assert STUDENT not in shown(outcome.results)


# --- what is shown of it


@pytest.mark.parametrize(
    ("user", "shown_as"),
    [
        (STUDENT, "3583…"),
        ("ab", "a…"),
        ("a", "…"),
        ("", "(no user)"),
        (None, "(no user)"),
        ("Ж\x1b[31m", r"\u0416\x1b[…"),
    ],
)
def test_a_student_is_never_named_in_full(user: str | None, shown_as: str) -> None:
    assert mask(user) == shown_as


def test_a_check_is_shown_with_severity_rows_and_a_sample() -> None:
    results = checked(record(attempt_type="exam"), *[submit(created_at="?")] * 1234).results
    assert shown([result for result in results if result.rows]).splitlines() == [
        "duplicate rows (warning): 1,233",
        "few duplicates (warning): 1,233",
        "valid time (error): 1,234 " + "; ".join(["3583… no time"] * 3),
        "allowed attempt types (warning): 1 3583… 2023-05-31 09:16:11",
    ]


@fault("records", "a student's id in every key of a record", "never shown in full")
@fault("records", "an id of any form in every key of a record", "never shown in full")
@given(st.just(STUDENT) | st.text("abcdefghijk0123456789.@-", min_size=8, max_size=19))
def test_no_text_of_a_record_is_shown(name: str) -> None:
    odd = [
        record(lti_user_id=name, attempt_type=name, is_correct=1),
        record(lti_user_id=name, passback_params=name),
        record(attempt_type=name, is_correct=name, passback_params=name),
        record(lti_user_id=None, attempt_type=name, is_correct=[name]),
        {"created_at": name, "is_correct": {name: name}, "attempt_type": [name]},
        {"created_at": "no", "is_correct": name, "attempt_type": name, "lti_user_id": name},
    ]
    outcome = checked(*odd, *odd)
    assert len(failed(outcome)) > 5
    assert name not in shown(outcome.results)


def test_outcomes_of_windows_add_up_check_by_check() -> None:
    one, other = checked(record(attempt_type="a")), checked(record(attempt_type="b"), record(lti_user_id=None))
    total = add_results(one.results, other.results)
    assert {result.check: result.rows for result in total if result.rows} == {
        "allowed attempt types": 2,
        "user id present": 1,
    }
    assert [result.check for result in total] == [result.check for result in one.results]
    samples = {result.check: result.sample for result in total}
    assert "09:16:11" in samples["allowed attempt types"]
    assert samples["user id present"].startswith("(no user)")
    assert add_results((), one.results) == one.results
