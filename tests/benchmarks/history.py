"""A daily run on a large table against one on a small table, publishing included."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from tests.benchmarks.measure import Ratio, alternate, at_most, run
from tests.benchmarks.records import A_DAY, month, source_of
from tests.fixtures.pipelines import Pipeline, Pipelines

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

REFERENCE: Final = 100_000
ROUNDS: Final = 5
DAY: Final = date(2023, 4, 1)
# As in the records of the service, a student makes four or five attempts on a task in one sitting.
FILL: Final = """
    INSERT INTO attempts (
        id, user_id, oauth_consumer_key, lis_result_sourcedid, lis_outcome_service_url, is_correct, attempt_type,
        created_at, course, task
    )
    SELECT
        gen_random_uuid(), md5((n / 4 % 5000)::text), '',
        'course-v1:SandboxU+SQL-201+2023:lms.sandbox.example-' || md5((n / 4 % 300)::text) || ':' ||
            md5((n / 4 % 5000)::text),
        'https://lms.sandbox.example/courses/course-v1:SandboxU+SQL-201+2023/handler_noauth/grade_handler',
        CASE n % 3 WHEN 0 THEN NULL ELSE n % 3 - 1 END, CASE n % 3 WHEN 0 THEN 'run' ELSE 'submit' END,
        timestamptz '2023-03-31 UTC' - n * (interval '1 day' / :a_day),
        'course-v1:SandboxU+SQL-201+2023', md5((n / 4 % 300)::text)
    FROM generate_series(1, :rows) AS n
"""
COVER: Final = """
    INSERT INTO loaded_windows
    SELECT moment, moment + interval '6 hours', 1000, 1000, 0, 0, 0, 0, 0, '[]', NULL, now(), true
    FROM generate_series(
        timestamptz '2023-03-31 UTC' - interval '1 day' * (:rows / :a_day), timestamptz '2023-03-30 18:00 UTC',
        interval '6 hours'
    ) AS moment
"""


def compare(pipelines: Pipelines, sizes: Sequence[int]) -> Iterator[Ratio]:
    """Measures refreshing one day, with sheet, report and mail, in turn on tables of all these sizes."""
    made = {rows: make_filled(pipelines, rows) for rows in sizes}
    taken = alternate(
        {str(rows): partial(run_day, pipeline) for rows, pipeline in made.items()},
        ROUNDS,
        # The Blocks are those of one world at a time.
        before=lambda rows: made[int(rows)].set_up(),
    )
    seconds = {int(rows): value for rows, value in taken.items()}
    largest = max(sizes)
    details = ", ".join(f"{rows:,} attempts {value:.2f} s" for rows, value in seconds.items())
    what = f"daily run: table of {largest:,} / of {REFERENCE:,}"
    yield at_most(what, seconds[largest] / seconds[REFERENCE], 1.3, details)


def make_filled(pipelines: Pipelines, rows: int) -> Pipeline:
    """A pipeline with so many attempts of the days before, whose API holds one day more."""
    pipeline = pipelines.make(source_of(month(1, first=DAY, a_day=3_500)))
    with pipeline.engine() as engine:
        fill(engine, rows)
    # The figures of all days before are computed once, by the first run.
    run_day(pipeline)
    return pipeline


def fill(engine: "Engine", rows: int) -> None:
    """Writes so many attempts of the days before, as windows that are loaded."""
    with engine.begin() as connection:
        for statement in (FILL, COVER):
            connection.execute(text(statement), {"rows": rows, "a_day": A_DAY})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE attempts"))


def run_day(pipeline: Pipeline, how: str = "with") -> None:
    """Refreshes the day, and publishes it, by the command; `how` is that of `plain`."""
    run(["-m", "tests.benchmarks.plain", how, "--start-date", str(DAY), "--refresh"], pipeline.variables())
