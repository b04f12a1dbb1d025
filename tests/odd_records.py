"""Made-up windows full of what a record should not be, for tests that must hold for whatever the API sends."""

from typing import Final

from hypothesis import strategies as st

from schemas.record import Record
from tests.records import ANOTHER_STUDENT, COURSE, STUDENT, TASK, URL, passback

# With `characters`, lone surrogates would be left out.
ANY_TEXT: Final = st.text(
    st.integers(0, 0x10FFFF).map(chr) | st.sampled_from("\x00\ud800\udc00\\\t\n\r'\":-N"), max_size=8
)
ANY_VALUE: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(ANY_TEXT, inner, max_size=2),
    max_leaves=4,
)
USERS: Final = st.sampled_from([STUDENT, ANOTHER_STUDENT, "", " ", "\x00"]) | ANY_VALUE
# Before, in, at the end of and after the window; few, so that records often meet in one.
TIMES: Final = (
    st.sampled_from(
        [
            "2023-05-31 05:59:59.999999",
            "2023-05-31 06:00:00",
            "2023-05-31 09:16:11.313646",
            "2023-05-31T12:16:11.313646+03:00",
            "2023-05-31 12:00:00",
            "2023-06-01 05:00:00",
            "0001-01-01 00:00:00+01:00",
            "9999-12-31 23:59:59.999999",
            "2023-05-31",
        ]
    )
    | ANY_VALUE
)
VERDICTS: Final = st.sampled_from([None, 0, 1, True, False, "1", 1.0, 2, 3, -1, 0.5, "true", float("inf")]) | ANY_VALUE
TYPES: Final = st.sampled_from(["run", "submit", "test", "exam", None]) | ANY_VALUE
SOURCED_IDS: Final = (
    st.sampled_from([f"{COURSE}:lms-{TASK}:{STUDENT}", "\ud83d\ude00", "\U0001f600", "", None]) | ANY_VALUE
)
PASSBACKS: Final = (
    st.builds(
        lambda sourced_id, url: passback(lis_result_sourcedid=sourced_id, lis_outcome_service_url=url),
        SOURCED_IDS,
        st.sampled_from([URL, "", None, ...]),
    )
    | ANY_VALUE
)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """One record, any part of it usual or odd, missing or beside the point."""
    whole: Record = {
        "lti_user_id": draw(USERS),
        "passback_params": draw(PASSBACKS),
        "is_correct": draw(VERDICTS),
        "attempt_type": draw(TYPES),
        "created_at": draw(TIMES),
        "remark": draw(st.none() | ANY_VALUE),
    }
    missing = draw(st.sets(st.sampled_from(sorted(whole)), max_size=1))
    return {name: value for name, value in whole.items() if name not in missing}


def windows(most: int = 6) -> st.SearchStrategy[list[Record]]:
    """A window's records; the same one may be among them again and again."""
    return st.lists(records(), max_size=most).flatmap(
        lambda once: (
            st.lists(st.sampled_from(once), max_size=most).map(lambda again: once + again) if once else st.just([])
        )
    )
