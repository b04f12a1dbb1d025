"""Records as the API sends them, each with the one thing changed that a test is about."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from schemas.attempt import Attempt, attempts_frame
from schemas.period import Window
from schemas.record import Record
from tasks.transform import transform

if TYPE_CHECKING:
    import pandas as pd

STUDENT: Final = "3583bf109f8b458e13ae1ac9d85c396a"
ANOTHER_STUDENT: Final = "ab6ddeb7654ab35d44434d8db629bd01"
COURSE: Final = "course-v1:SkillFactory+DST-3.0+28FEB2021"
TASK: Final = "ca3ecf8e5f284c329eb7bd529e1a9f7e"
URL: Final = (
    f"https://lms.skillfactory.ru/courses/{COURSE}/xblock/block-v1:SkillFactory+DST-3.0+28FEB2021+type@lti+"
    f"block@{TASK}/handler_noauth/grade_handler"
)
WINDOW: Final = Window(datetime(2023, 5, 31, 6, tzinfo=UTC), datetime(2023, 5, 31, 12, tzinfo=UTC))
NOW: Final = datetime(2023, 6, 1, 4, tzinfo=UTC)


def record(**changes: object) -> Record:
    """The record that `grader-api` documents as its example, with other values where they are given."""
    usual: Record = {
        "lti_user_id": STUDENT,
        "passback_params": passback(),
        "is_correct": None,
        "attempt_type": "run",
        "created_at": "2023-05-31 09:16:11.313646",
    }
    return usual | changes


def submit(**changes: object) -> Record:
    """A successful submission, with other values where they are given."""
    return record(**{"attempt_type": "submit", "is_correct": 1, **changes})


def passback(**changes: object) -> str:
    """LTI parameters as the API writes them; a parameter that is changed to `...` is left out."""
    usual: dict[str, object] = {
        "oauth_consumer_key": "",
        "lis_result_sourcedid": f"{COURSE}:lms.skillfactory.ru-{TASK}:{STUDENT}",
        "lis_outcome_service_url": URL,
    }
    return repr({name: value for name, value in (usual | changes).items() if value is not ...})


def numbered(count: int, **changes: object) -> list[Record]:
    """As many records of one window, a minute apart, by different students."""
    return [
        record(lti_user_id=f"{number:032x}", created_at=f"2023-05-31 09:{number:02}:00.000000", **changes)
        for number in range(count)
    ]


def attempts_of(records: Sequence[Record]) -> list[Attempt]:
    """The records transformed, as rows."""
    return rows_of(transform(records))


def rows_of(frame: "pd.DataFrame") -> list[Attempt]:
    """A frame of attempts as rows, with Python's own times."""
    times = [None if time != time else time.to_pydatetime() for time in frame["created_at"]]  # noqa: PLR0124 (NaT)
    columns = [times if name == "created_at" else frame[name].tolist() for name in Attempt._fields]
    return [Attempt(*row) for row in zip(*columns, strict=True)]


def frame_of(attempts: Sequence[Attempt]) -> "pd.DataFrame":
    """Rows as a frame of attempts."""
    import pandas as pd

    columns = {name: [getattr(attempt, name) for attempt in attempts] for name in Attempt._fields}
    times = pd.Series(columns["created_at"], dtype="datetime64[us, UTC]")
    return attempts_frame(columns | {"created_at": times})
