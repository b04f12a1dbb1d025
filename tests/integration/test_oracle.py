"""Learning figures against a second implementation in plain pandas and statsmodels, which shares no code."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.proportion import proportion_confint

from schemas.task_figures import FIRST_SUBMIT_CORRECTNESS, FIRST_SUBMITS, STUDENTS_TRIED
from tasks.figures import compute_figures
from tasks.learning import read_tasks
from tests.integration.loading import empty_all, load, span
from tests.integration.test_cases import export, load_attempts

FIRST = date(2023, 4, 3)


def a_term(seed: int, days: int = 35, students: int = 70) -> list[dict[str, str]]:
    """Attempts of students of uneven skill on tasks of uneven difficulty, some without a verdict."""
    random = Random(seed)
    tasks = {f"task{number:02}": random.random() for number in range(9)}
    attempts: dict[tuple[str, str], dict[str, str]] = {}
    for number in range(students):
        student, skill, stays = f"student{number:02}", random.random(), random.randrange(1, days)
        for day in sorted(random.sample(range(stays), min(stays, random.randrange(1, 8)))):
            moment = datetime.combine(FIRST + timedelta(days=day), datetime.min.time(), UTC)
            moment += timedelta(seconds=random.randrange(80_000))
            for task in random.sample(sorted(tasks), random.randrange(1, 5)):
                for _ in range(random.randrange(1, 7)):
                    moment += timedelta(seconds=random.choice((20, 200, 1700, 1801)))
                    kind = random.choice(("run", "submit", "submit"))
                    right = random.random() < 0.2 + 0.5 * skill - 0.3 * tasks[task]
                    verdict = "" if kind == "run" or random.random() < 0.05 else str(int(right))
                    at = moment.isoformat(" ")[:19]
                    attempts[student, at] = {
                        "student": student,
                        "at": at,
                        "type": kind,
                        "verdict": verdict,
                        "task": task,
                    }
    return list(attempts.values())


def as_frame(attempts: Sequence[dict[str, str]]) -> pd.DataFrame:
    frame = pd.DataFrame(attempts)
    frame["at"] = pd.to_datetime(frame["at"])
    frame["day"] = frame["at"].dt.date
    frame["verdict"] = pd.to_numeric(frame["verdict"], errors="coerce")
    frame["graded"] = (frame["type"] == "submit") & frame["verdict"].notna()
    frame["right"] = (frame["type"] == "submit") & (frame["verdict"] == 1)
    frame = frame.sort_values("at", kind="stable").reset_index(drop=True)
    gap = frame.groupby(["student", "task", "day"])["at"].diff().dt.total_seconds()
    frame["spent"] = gap.where(gap <= 1800, 0).fillna(0)
    return frame


def rounded(value: float | None, decimals: int) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.{decimals}f}"


def task_figures(frame: pd.DataFrame, last: date) -> dict[str, dict[str, str]]:
    students = []
    for (student, task), rows in frame.groupby(["student", "task"]):
        graded = rows[rows["graded"]]
        right = graded[graded["right"]]
        until = rows[rows["at"] <= right["at"].iloc[0]] if len(right) else rows.iloc[:0]
        students.append(
            {
                "student": student,
                "task": task,
                "solved": len(right) > 0,
                "first": graded["verdict"].iloc[0] if len(graded) else math.nan,
                "graded": len(graded),
                "submits": int(until["graded"].sum()) if len(right) else len(graded),
                "minutes": until["spent"].sum() / 60 if len(right) else math.nan,
                "silent": (last - frame[frame["student"] == student]["day"].max()).days,
            }
        )
    table = pd.DataFrame(students)
    return {str(task): describe_task(str(task), rows, table) for task, rows in table.groupby("task")}


def describe_task(task: str, rows: pd.DataFrame, table: pd.DataFrame) -> dict[str, str]:
    graded = rows[rows["graded"] > 0]
    unsolved = int((~rows["solved"]).sum())
    low, high = proportion_confint(unsolved, len(rows), method="wilson")
    figures = {
        "students_tried": str(len(rows)),
        "students_solved": str(len(rows) - unsolved),
        "students_lost": str(int((~rows["solved"] & (rows["silent"] >= 7)).sum())),
        "first_submit_correctness": rounded(float(graded["first"].mean()), 4),
        "median_minutes_to_success": rounded(float(rows["minutes"].median()), 1),
        "p90_minutes_to_success": rounded(float(rows["minutes"].quantile(0.9)), 1),
        "share_unsolved": rounded(unsolved / len(rows), 4),
        "unsolved_low": rounded(max(low, 0), 4),
        "unsolved_high": rounded(min(high, 1), 4),
        "median_submits_to_success": "",
        "unsolved_after_3": "",
        "unsolved_after_10": "",
    }
    if len(graded):
        curve = SurvfuncRight(graded["submits"], graded["solved"].astype(int))
        points = list(zip(curve.surv_times, curve.surv_prob, strict=True))
        after = {k: min([1.0, *(share for time, share in points if time <= k)]) for k in (3, 10)}
        half = [time for time, share in points if share <= 0.5 + 1e-9]
        figures["median_submits_to_success"] = str(int(min(half))) if half else ""
        figures |= {f"unsolved_after_{k}": rounded(share, 4) for k, share in after.items()}
    figures["discrimination"] = rounded(discriminate(task, graded, table), 4)
    return figures


def discriminate(task: str, graded: pd.DataFrame, table: pd.DataFrame) -> float | None:
    pairs = []
    for _, row in graded.iterrows():
        others = table[(table["student"] == row["student"]) & (table["task"] != task)]["first"].dropna()
        if len(others) >= 5:
            pairs.append((row["first"], others.mean()))
    return pd.DataFrame(pairs)[0].corr(pd.DataFrame(pairs)[1]) if len(pairs) >= 30 else None


def day_figures(frame: pd.DataFrame) -> dict[str, dict[str, str]]:
    firsts = frame.groupby("student")["day"].min()
    solved = frame[frame["right"]].groupby(["student", "task"])["day"].min()
    figures = {}
    for day, rows in frame.groupby("day"):
        assert isinstance(day, date)
        submits = rows[rows["type"] == "submit"]
        active = {n: frame[(frame["day"] > day - timedelta(days=n)) & (frame["day"] <= day)] for n in (7, 28)}
        figures[str(day)] = {
            "attempts": str(len(rows)),
            "successful_attempts": str(int((rows["verdict"] == 1).sum())),
            "unique_users": str(rows["student"].nunique()),
            "runs": str(int((rows["type"] == "run").sum())),
            "submits": str(len(submits)),
            "success_rate": rounded(submits["right"].mean() if len(submits) else None, 4),
            "new_students": str(int((firsts == day).sum())),
            "returning_students": str(rows["student"].nunique() - int((firsts == day).sum())),
            "tasks_solved_first_time": str(int((solved == day).sum())),
            "active_7_days": str(active[7]["student"].nunique()),
            "active_28_days": str(active[28]["student"].nunique()),
            "tasks_touched": str(rows["task"].nunique()),
            "median_minutes": rounded(rows.groupby("student")["spent"].sum().median() / 60, 1),
        }
    return figures


def assert_same(found: list[dict[str, str]], key: str, expected: dict[str, dict[str, str]]) -> None:
    shown = {row[key]: {name: row[name] for name in expected[row[key]]} for row in found if row[key] in expected}
    assert shown.keys() == expected.keys()
    for name, values in expected.items():
        for figure, value in values.items():
            # Half a unit of the last place apart is the same: pandas rounds halves of binary fractions otherwise.
            if shown[name][figure] != value:
                assert float(shown[name][figure]) == pytest.approx(
                    float(value), abs=0.1001 if "minutes" in figure else 1.01e-4
                ), figure


@pytest.mark.parametrize("seed", range(2))
def test_every_cell_is_that_of_the_second_implementation(engine: Engine, seed: int) -> None:
    attempts = a_term(seed)
    first, last = load_attempts(engine, attempts)
    frame = as_frame(attempts)
    assert_same(export(engine, "tasks", first, last), "task", task_figures(frame, last))
    assert_same(export(engine, "days", first, last), "day", day_figures(frame))
    assert any(row["discrimination"] for row in export(engine, "tasks", first, last)) or seed
    compared = (STUDENTS_TRIED, FIRST_SUBMIT_CORRECTNESS)
    assert read_tasks(engine, first, last, compared, FIRST_SUBMITS) == read_tasks(engine, first, last, compared)


def test_the_figures_of_real_submissions_are_the_plain_counts(
    engine: Engine, real_records: list[dict[str, Any]]
) -> None:
    first, last = date(2017, 10, 2), date(2017, 10, 14)
    for day in pd.date_range(first, last):
        window = span(f"{day:%Y-%m-%d}", f"{day + timedelta(days=1):%Y-%m-%d}")
        load(engine, [one for one in real_records if one["created_at"].startswith(f"{day:%Y-%m-%d}")], window)
    compute_figures(engine, [], ZoneInfo("UTC"))
    frame = pd.DataFrame(real_records).sort_values("created_at", kind="stable")
    frame[["course", "task"]] = frame["passback_params"].str.extract(r"(course-v1:[^:]+):recodex-(\w+):")
    frame["gone"] = frame.groupby(["course", "lti_user_id"])["created_at"].transform("max") < "2017-10-08"
    pairs = frame.groupby(["task", "lti_user_id"]).agg(
        first=("is_correct", "first"), solved=("is_correct", "max"), gone=("gone", "max")
    )
    pairs["lost"] = pairs["gone"] & (pairs["solved"] == 0)
    counts = pairs.groupby("task").agg(
        tried=("first", "size"), solved=("solved", "sum"), lost=("lost", "sum"), right=("first", "mean")
    )
    shown = pd.DataFrame(export(engine, "tasks", first, last)).set_index("task")
    for name, column in zip(counts, shown.columns[2:6], strict=True):
        assert shown[column].astype(float).to_dict() == pytest.approx(counts[name].to_dict(), abs=5e-5), column
    arrived = frame.drop_duplicates("lti_user_id")["created_at"].str[:10].value_counts()
    solvers = frame[frame["is_correct"] == 1].drop_duplicates(["lti_user_id", "task"])
    firsts = solvers["created_at"].str[:10].value_counts()
    for row in export(engine, "days", first, last):
        assert int(row["new_students"]) == arrived.get(row["day"], 0)
        assert int(row["tasks_solved_first_time"]) == firsts.get(row["day"], 0)


def everything(engine: Engine, first: date, last: date) -> list[Any]:
    return [export(engine, "tasks", first, last), export(engine, "days", first, last)]


@given(data=st.data())
@settings(max_examples=6)
def test_any_order_repetition_and_correction_give_the_figures_of_one_clean_load(
    engine: Engine, data: st.DataObject
) -> None:
    attempts = a_term(data.draw(st.integers(0, 999)), days=7, students=7)
    empty_all(engine)
    first, last = load_attempts(engine, attempts)
    clean = everything(engine, first, last)
    empty_all(engine)
    # Loaded before the grader gave any verdict, then day by day in any order, some days twice.
    load_attempts(engine, [one | {"verdict": ""} for one in attempts])
    days = sorted({one["at"][:10] for one in attempts})
    for day in data.draw(st.lists(st.sampled_from(days), max_size=3)) + list(data.draw(st.permutations(days))):
        load_attempts(engine, [one for one in attempts if one["at"][:10] == day])
    assert everything(engine, first, last) == clean


def test_the_figures_keep_their_own_laws(engine: Engine) -> None:
    attempts = a_term(7)
    first, last = load_attempts(engine, attempts)
    for row in export(engine, "tasks", first, last):
        assert int(row["students_solved"]) + int(row["students_lost"]) <= int(row["students_tried"])
        assert float(row["unsolved_after_3"]) >= float(row["unsolved_after_10"])
        assert float(row["unsolved_low"]) <= float(row["share_unsolved"]) <= float(row["unsolved_high"])
    courses = export(engine, "courses", first, last)
    assert sum(int(row["attempts"]) for row in courses) == len(attempts)
    solved = sum(int(row["students_solved"]) for row in export(engine, "tasks", first, last))
    assert sum(int(row["solved"]) for row in courses) == solved
    assert sum(int(row["tasks_solved_first_time"]) for row in export(engine, "days", first, last)) == solved
