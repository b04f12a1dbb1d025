"""The daily figures, each declared once: the table's column, its computation, and all that a reader sees follow.

To add one: a declaration here, and a migration that adds its column to `daily_metrics`.
"""

from dataclasses import dataclass
from typing import Final

from schemas.language import Kind, Text


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a day.

    Attributes:
        name: its column in `daily_metrics`.
        sql: an aggregate over rows of `attempts`: those of the day, or those of a longer period.
        kind: a count is a whole number; a share lies between 0 and 1 and is NULL where it would divide by zero.
        is_sum: whether the figure of several days is the sum of theirs; otherwise it is computed from their attempts.
        title: what it is called.
        short: the same in a word, for a narrow column.
        meaning: what it counts.
        edges: what becomes of the odd cases; for `docs/figures.md`.
        source: where the definition comes from; likewise.
    """

    name: str
    sql: str
    kind: Kind
    is_sum: bool
    title: Text
    short: Text
    meaning: Text
    edges: str = ""
    source: str = "the earlier script"


_SUBMITS: Final = "count(*) FILTER (WHERE attempt_type = 'submit')"
_SUCCESSFUL_SUBMITS: Final = "count(*) FILTER (WHERE attempt_type = 'submit' AND is_correct = 1)"

ATTEMPTS: Final = Figure(
    name="attempts",
    sql="count(*)",
    kind="count",
    is_sum=True,
    title=Text("Всего попыток", "Attempts"),
    short=Text("Попыток", "Attempts"),
    meaning=Text(
        "Все попытки: запуски, отправки на проверку и любые другие.", "All attempts: runs, submits and any others."
    ),
    edges="A record that the checks reject does not count; an exact duplicate counts once.",
)
SUCCESSFUL_ATTEMPTS: Final = Figure(
    name="successful_attempts",
    sql="count(*) FILTER (WHERE is_correct = 1)",
    kind="count",
    is_sum=True,
    title=Text("Успешных попыток", "Successful attempts"),
    short=Text("Успешных", "Success"),
    meaning=Text(
        "Попытки с вердиктом «верно» (is_correct = 1).", "Attempts whose verdict is “correct” (is_correct = 1)."
    ),
    edges="An attempt of any type with that verdict counts, so several of one student on one task do.",
)
UNIQUE_USERS: Final = Figure(
    name="unique_users",
    sql="count(DISTINCT user_id)",
    kind="count",
    is_sum=False,
    title=Text("Уникальных пользователей", "Unique users"),
    short=Text("Студентов", "Users"),
    meaning=Text(
        "Разные студенты, у которых есть хотя бы одна попытка. По дням не складывается: студент нескольких дней "
        "считается один раз.",
        "Different students with at least one attempt. It cannot be summed: over several days each counts once.",
    ),
    edges="A student of two courses counts once if both use one pseudonym.",
)
RUNS: Final = Figure(
    name="runs",
    sql="count(*) FILTER (WHERE attempt_type = 'run')",
    kind="count",
    is_sum=True,
    title=Text("Запусков", "Runs"),
    short=Text("Запусков", "Runs"),
    meaning=Text(
        "Попытки типа run: программу пробовали в редакторе.",
        "Attempts of type run: the program was tried in the editor.",
    ),
    edges="A run with a verdict is a warning, and counts.",
    source="ours",
)
SUBMITS: Final = Figure(
    name="submits",
    sql=_SUBMITS,
    kind="count",
    is_sum=True,
    title=Text("Отправок на проверку", "Submits"),
    short=Text("Отправок", "Submits"),
    meaning=Text(
        "Попытки типа submit: программу сдали на проверку.",
        "Attempts of type submit: the program was handed in for grading.",
    ),
    edges="A submit without a verdict is a warning, and counts.",
    source="ours",
)
SUCCESS_RATE: Final = Figure(
    name="success_rate",
    sql=f"round({_SUCCESSFUL_SUBMITS}::numeric / nullif({_SUBMITS}, 0), 4)",
    kind="share",
    is_sum=False,
    title=Text("Доля верных среди отправок", "Success rate of submits"),
    short=Text("Из отправок", "Of submits"),
    meaning=Text(
        "Отправки на проверку с вердиктом «верно», делённые на все отправки; запуски не учитываются. За несколько дней "
        "посчитана по всем их отправкам.",
        "Submits whose verdict is “correct”, divided by all submits; runs do not count.",
    ),
    edges="NULL on a day without submits; a submit without a verdict is not successful.",
    source="ours",
)

DAILY_FIGURES: Final = (ATTEMPTS, SUCCESSFUL_ATTEMPTS, UNIQUE_USERS, RUNS, SUBMITS, SUCCESS_RATE)
RAW_DATA: Final = (ATTEMPTS, SUCCESSFUL_ATTEMPTS, UNIQUE_USERS)
"""The columns of the sheet's tab `RawData` after the day, which dashboards refer to."""
