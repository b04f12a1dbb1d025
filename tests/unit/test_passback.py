"""The LTI parameters: a Python literal in a string, or JSON, or neither."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.attempt import Attempt
from tasks.transform import NO_LTI_PARAMETERS, read_lti_parameters, split_sourced_id
from tests.faults import fault
from tests.fixtures.records import COURSE, STUDENT, TASK, URL, attempts_of, passback, record

SOURCED_ID = f"{COURSE}:lms.skillfactory.ru-{TASK}:{STUDENT}"
MEGABYTE = "x" * 1_000_000


def transformed(passback_params: object) -> Attempt:
    (attempt,) = attempts_of([record(passback_params=passback_params)])
    return attempt


USUAL = transformed(passback())


@pytest.mark.parametrize(
    "unreadable",
    [
        *(None, "", "None", "'None'", "null", "0", "[]", "[1, 2]", "'text'", "{'a', 'b'}", "()", "not parsable"),
        *("{", "{'lis_result_sourcedid': ", "{[]: 1}", "{{}: 1}", "\x00", "{'a': '\x00'}\x00", "\ud800", "1" * 5000),
        *(17, False, ["x"], MEGABYTE, f"{{'lis_result_sourcedid': '{MEGABYTE}'}}"),
    ],
)
def test_unreadable_parameters_are_kept_as_they_came(unreadable: object) -> None:
    attempt = transformed(unreadable)
    assert (attempt.lis_result_sourcedid, attempt.lis_outcome_service_url, attempt.course, attempt.task) == (None,) * 4
    assert attempt.passback_params is not None
    assert json.loads(attempt.passback_params) == unreadable


USUAL_PARAMETERS = {"oauth_consumer_key": "", "lis_result_sourcedid": SOURCED_ID, "lis_outcome_service_url": URL}


@pytest.mark.parametrize(
    "written",
    [
        passback(),
        json.dumps(USUAL_PARAMETERS),
        # As PHP writes JSON.
        json.dumps(USUAL_PARAMETERS, separators=(",", ":")).replace("/", r"\/"),
        USUAL_PARAMETERS,
        f"  {passback(more=[1, None, b'x'])} ",
    ],
)
def test_parameters_are_read_from_a_python_literal_from_json_and_from_an_object(written: object) -> None:
    assert transformed(written) == USUAL


def test_what_is_missing_is_none_and_without_a_course_the_parameters_are_kept_beside_what_was_read() -> None:
    assert transformed(passback(lis_outcome_service_url=...)) == USUAL._replace(lis_outcome_service_url=None)
    attempt = transformed(passback(lis_result_sourcedid=...))
    assert attempt.lis_outcome_service_url == URL
    assert attempt.passback_params == json.dumps(passback(lis_result_sourcedid=...))


VALUES = st.sampled_from(["", SOURCED_ID, URL, "course-v1:a+b+c:h-t:u", "course-v1:a:b-:", *"'\"\\é", None]) | st.text(
    "course-v1:+é'\"\\\n", max_size=20
)


@given(st.tuples(VALUES, VALUES, VALUES), st.integers(1, 3))
def test_the_usual_parameters_are_read_like_all_others(values: tuple[str | None, ...], count: int) -> None:
    names = ("oauth_consumer_key", "lis_result_sourcedid", "lis_outcome_service_url")
    parameters = dict(list(zip(names, values, strict=True))[:count])
    assert read_lti_parameters(repr(parameters)) == read_lti_parameters(parameters)


@pytest.mark.parametrize("value", [None, 5, ["a"], {"b": "c"}, 1.5, True])
def test_a_parameter_that_is_no_text_is_none(value: object) -> None:
    read = read_lti_parameters(repr({"lis_result_sourcedid": value, "oauth_consumer_key": value}))
    assert read == NO_LTI_PARAMETERS


@fault("records", "Python code in `passback_params`", "never run")
@pytest.mark.parametrize(
    "code",
    [
        "open({mark!r}, 'w')",
        "__import__('pathlib').Path({mark!r}).touch()",
        "{{'lis_result_sourcedid': open({mark!r}, 'w').name}}",
        "[open(path, 'w') for path in [{mark!r}]]",
        "(lambda: open({mark!r}, 'w'))()",
        "f'{{open({mark!r}, chr(119))}}'",
        "dict(lis_result_sourcedid='x')",
    ],
)
def test_nothing_in_the_parameters_is_ever_run(code: str, tmp_path: Path) -> None:
    mark = tmp_path / "it was run"
    assert read_lti_parameters(code.format(mark=str(mark))) == NO_LTI_PARAMETERS
    assert not mark.exists()


@fault("records", "operators and brackets nested ten thousand times", "unreadable; nothing raises")
@pytest.mark.parametrize(
    "deep",
    [
        "[" * 10_000 + "]" * 10_000,
        "(" * 10_000,
        "{'lis_result_sourcedid':" * 800,
        '{"lis_result_sourcedid":' * 800 + "1" + "}" * 800,
        "-" * 19_000 + "1",
        "1" + "+1" * 9_000,
        "lambda:" * 2_500 + "1",
        "not " * 4_900 + "1",
    ],
)
def test_parameters_nested_ten_thousand_times_are_unreadable(deep: str) -> None:
    assert read_lti_parameters(deep) == NO_LTI_PARAMETERS


@pytest.mark.parametrize(
    ("sourced_id", "course", "task"),
    [
        (SOURCED_ID, COURSE, TASK),
        # Hosts with hyphens and a port; the task is what follows the last hyphen.
        (f"{COURSE}:lms-2.my-university.example-{TASK}:{STUDENT}", COURSE, TASK),
        (f"{COURSE}:localhost:8000-{TASK}:{STUDENT}", COURSE, TASK),
        (f"{COURSE}:lms-{TASK}:", COURSE, TASK),
        ("course-v1:Курс+1+2:h-t:u", "course-v1:Курс+1+2", "t"),
        (f"{SOURCED_ID}\n", COURSE, TASK),
        *(
            (neither, None, None)
            for neither in (
                *(f"{COURSE}:{TASK}:{STUDENT}", f"{COURSE}:lms-:{STUDENT}", f"course-v1::lms-{TASK}:{STUDENT}"),
                *(f"SkillFactory/DST/2021:lms-{TASK}:{STUDENT}", f"\n{SOURCED_ID}", STUDENT, "", None),
            )
        ),
    ],
)
def test_course_and_task_are_taken_from_the_sourced_id(
    sourced_id: str | None, course: str | None, task: str | None
) -> None:
    assert split_sourced_id(sourced_id) == (course, task)


@fault("records", "a sourced id of 1 MB that nearly fits", "read at once")
@pytest.mark.timeout(30)
@pytest.mark.parametrize("filling", ["-", "a-", ":", "-:", "a", "-a:"])
def test_a_sourced_id_of_a_megabyte_takes_no_time(filling: str) -> None:
    sourced_id = "course-v1:" + filling * (1_000_000 // len(filling))
    attempt = transformed({"lis_result_sourcedid": sourced_id})
    assert attempt.lis_result_sourcedid == sourced_id
