"""`codegrader report`: the report of any days, of all courses or one, from the database alone.

Its exit code is 1 if the database or the file cannot be used, 2 if the arguments cannot.
"""

import sys
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from flows.command_line import DONE, run_command

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from schemas.summary import RunSummary

ALL_COURSES: Final = "all-courses"
"""The folder of what is about all of them: the report of a run, which says more, is not replaced."""


def run(
    *,
    start_date: date,
    end_date: date | None = None,
    course: str | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
) -> int:
    """Writes the report of the days from --start-date to --end-date, with what is loaded of them by now.

    Args:
        start_date: First day, such as 2023-04-01, in the reporting time zone.
        end_date: Last day, inclusive. Default: the same as the first.
        course: Tell of this course alone, such as course-v1:University+PY-101+2023.
        output: Write this file, readable by you alone, instead of one in the folder of reports.
    """
    from datetime import UTC, datetime

    from flows.looking.prefect_api import reading_prefect
    from flows.running.configuration import load_configuration, open_database
    from flows.running.home import home_folder
    from schemas.summary import LoadCounts, RunSummary
    from tasks.export import open_output
    from tasks.one_course import find_course
    from tasks.plan import plan_period

    with reading_prefect():
        configuration = load_configuration()
    settings, now = configuration.settings, datetime.now(UTC)
    period = plan_period(start_date, end_date, settings.time_zone, now)
    with open_database(configuration, as_it_is=True) as engine:
        summary = RunSummary(
            period,
            now,
            0,
            LoadCounts(),
            (),
            settings.report_language,
            course=find_course(engine, course) if course else None,
            lists_students=settings.student_lists,
            holidays=settings.holidays,
        )
        page = _make_page(engine, summary)
    if output is None:
        folder = home_folder("reports") / (summary.file_stem.rpartition("/")[0] or ALL_COURSES)
        folder.mkdir(mode=0o700, exist_ok=True)
        output = folder / f"{period.file_stem}.html"
    with open_output(output) as file:
        file.write(page)
    print(output)
    return DONE


def _make_page(engine: "Engine", summary: "RunSummary") -> bytes:
    from dataclasses import replace

    from flows.running.publishing import FROM_THE_DATABASE
    from schemas.section import Findings
    from tasks.analyses import find
    from tasks.report import render_html

    findings: list[Findings] = []
    for found in find(FROM_THE_DATABASE, engine, summary):
        if isinstance(found, Exception):
            raise found
        findings.append(found)
    return render_html(replace(summary, findings=tuple(findings))).encode()


main: Final = partial(run_command, run, "report")

if __name__ == "__main__":
    sys.exit(main())
