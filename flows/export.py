"""`codegrader export`: attempts and figures as CSV or Parquet, for other programs.

Its exit code is 1 if the database or the file cannot be used, 2 if the arguments cannot.
"""

import sys
from contextlib import nullcontext
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from flows.command_line import DONE, Switch, run_command
from tasks.errors import InvalidInputError
from tasks.export import Format, What


def run(
    *,
    what: What,
    start_date: date,
    end_date: date,
    form: Annotated[Format, Parameter(name="--format")] = "csv",
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    with_students: Switch = False,
) -> int:
    """Writes attempts or figures of the days from --start-date to --end-date, as they stood at the end of the last one.

    Args:
        what: attempts, days, tasks, courses (by week), students (who may need a hand; only with STUDENT_LISTS=yes),
            or anomalies.
        start_date: First day, such as 2023-04-01, in the reporting time zone.
        end_date: Last day, inclusive.
        form: csv or parquet.
        output: Write this file, readable by you alone, instead of the standard output.
        with_students: Name the student of each attempt, by pseudonym.
    """
    from flows.looking.prefect_api import reading_prefect
    from flows.running.configuration import load_configuration, open_database
    from tasks.export import Request, open_output, read_table, write_table

    if start_date > end_date:
        raise InvalidInputError(f"--start-date {start_date} is after --end-date {end_date}: exchange them")
    with reading_prefect():
        configuration = load_configuration()
    settings = configuration.settings
    if what == "students" and not settings.student_lists:
        raise InvalidInputError("students are not listed: set STUDENT_LISTS=yes, then run python -m flows.setup")
    request = Request(what, start_date, end_date, settings.time_zone, settings.report_language, with_students)
    target = open_output(output) if output else nullcontext(sys.stdout.buffer)
    with open_database(configuration, as_it_is=True) as engine, target as file:
        count = write_table(read_table(engine, request), form, file)
    if output:
        print(f"{output}: {count:,} rows of {what}", file=sys.stderr)
    return DONE


main: Final = partial(run_command, run, "export")

if __name__ == "__main__":
    sys.exit(main())
