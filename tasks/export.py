"""Export: figures and attempts as tables for other programs, as CSV or Parquet, a few thousand rows at a time."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal
from zoneinfo import ZoneInfo

from schemas.figures import DAILY_FIGURES
from schemas.language import Language, Link
from schemas.period import start_of
from schemas.period_figures import MEDIAN_MINUTES, PERIOD_FIGURES, TASKS_TOUCHED
from schemas.section import Section
from schemas.task_figures import TASK_FIGURES
from tasks.analyses.courses import course_weeks
from tasks.analyses.students import list_students
from tasks.anomalies import read_anomalies
from tasks.database import translate_errors
from tasks.errors import PermanentError
from tasks.figures import read_figures
from tasks.learning import read_names, read_over, read_tasks
from tasks.private_files import private_file

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import Engine

What = Literal["attempts", "days", "tasks", "courses", "students", "anomalies"]
Format = Literal["csv", "parquet"]
BATCH_ROWS: Final = 5000

_ATTEMPTS: Final = {
    "id": "text",
    "created_at": "moment",
    "attempt_type": "text",
    "is_correct": "count",
    "course": "text",
    "task": "text",
}
_STUDENT: Final = {"user_id": "text"}
_DECIMALS: Final = {"share": 4, "change": 4, "number": 4, "minutes": 1}


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be exported: the days from `first` to `last`, inclusive.

    Attributes:
        with_students: whether attempts name their student, by pseudonym.
    """

    what: What
    first: date
    last: date
    time_zone: ZoneInfo
    language: Language
    with_students: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, each with its kind (see `schemas.language`; a `moment` is a time in UTC), and rows, read once."""

    columns: Mapping[str, str]
    rows: Iterable[Sequence[Any]]


def read_table(engine: "Engine", request: Request) -> Table:
    """Reads what is to be exported.

    Raises:
        TransientError, PermanentError: the database cannot be read; of attempts also while the rows are taken.
    """
    return _READERS[request.what](engine, request)


def _read_attempts(engine: "Engine", request: Request) -> Table:
    columns = _ATTEMPTS | (_STUDENT if request.with_students else {})
    return Table(columns, _stream_attempts(engine, request, columns))


def _stream_attempts(engine: "Engine", request: Request, columns: Iterable[str]) -> Iterator[Sequence[Any]]:
    chosen = ", ".join(name if name != "id" else "id::text" for name in columns)
    query = f"SELECT {chosen} FROM attempts WHERE created_at >= %s AND created_at < %s ORDER BY created_at, id"
    start, end = (start_of(day, request.time_zone) for day in (request.first, request.last + timedelta(days=1)))
    with translate_errors(engine), engine.connect() as connection:
        streaming = connection.execution_options(stream_results=True, max_row_buffer=BATCH_ROWS)
        yield from streaming.exec_driver_sql(query, (start, end))


def _read_days(engine: "Engine", request: Request) -> Table:
    stored = read_figures(engine, request.first, request.last)
    history = read_over(engine, [(each.day, each.day) for each in stored])
    # The figures that were added later stand last.
    later = [each for each in PERIOD_FIGURES if each not in (TASKS_TOUCHED, MEDIAN_MINUTES)]
    figures = [*DAILY_FIGURES, *later, TASKS_TOUCHED, MEDIAN_MINUTES]
    columns = {"day": "day"} | {each.name: each.kind for each in figures}
    known = ((each.day, {**each.values, **history[each.day, each.day]}) for each in stored)
    return Table(columns, [(day, *(values[each.name] for each in figures)) for day, values in known])


def _read_tasks(engine: "Engine", request: Request) -> Table:
    names = read_names(engine, request.first, request.last)
    columns = {"course": "text", "task": "text", "title": "text"} | {each.name: each.kind for each in TASK_FIGURES}
    figures = read_tasks(engine, request.first, request.last).items()
    return Table(
        columns, [(course, task, names[course, task].title, *values.values()) for (course, task), values in figures]
    )


def _read_courses(engine: "Engine", request: Request) -> Table:
    return _from_section(course_weeks(engine, request.first, request.last, request.language))


def _read_students(engine: "Engine", request: Request) -> Table:
    return _from_section(list_students(engine, request.last, request.language))


def _read_anomalies(engine: "Engine", request: Request) -> Table:
    columns = {"day": "day", "course": "text", "figure": "text"}
    columns |= dict.fromkeys(("value", "expected", "low", "high"), "number")
    return Table(columns, [astuple(each) for each in read_anomalies(engine, request.first, request.last)])


def _from_section(section: Section) -> Table:
    columns = {column.name: column.kind for column in section.columns}
    return Table(
        columns, [[cell.text if isinstance(cell, Link) else cell for cell in row.values] for row in section.rows]
    )


_READERS: Final[Mapping[What, Callable[["Engine", Request], Table]]] = {
    "attempts": _read_attempts,
    "days": _read_days,
    "tasks": _read_tasks,
    "courses": _read_courses,
    "students": _read_students,
    "anomalies": _read_anomalies,
}


def write_table(table: Table, form: Format, file: IO[bytes]) -> int:
    """Writes a table; memory does not grow with its rows.

    Returns:
        How many rows.
    """
    return _write_csv(table, file) if form == "csv" else _write_parquet(table, file)


@contextmanager
def open_output(path: Path) -> Iterator[IO[bytes]]:
    """The file that is asked for, see `private_file`.

    Raises:
        PermanentError: it cannot be written there.
    """
    try:
        with private_file(path) as file:
            yield file
    except OSError as error:
        raise PermanentError(f"{path} cannot be written ({error.strerror}): name another file with -o") from error


def _write_csv(table: Table, file: IO[bytes]) -> int:
    import io

    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(table.columns)
    count = 0
    kinds = list(table.columns.values())
    for row in table.rows:
        writer.writerow([_to_text(value, kind) for value, kind in zip(row, kinds, strict=True)])
        count += 1
    text.detach()
    return count


def _to_text(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "count":
        return int(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value:.{_DECIMALS[kind]}f}" if kind in _DECIMALS else value


def _write_parquet(table: Table, file: IO[bytes]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, _arrow_type(kind)) for name, kind in table.columns.items()])
    rows, count = iter(table.rows), 0
    with pq.ParquetWriter(file, schema) as writer:
        while batch := list(islice(rows, BATCH_ROWS)):
            columns = [
                pa.array(column, type=field.type)
                for column, field in zip(zip(*batch, strict=True), schema, strict=True)
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))
            count += len(batch)
    return count


def _arrow_type(kind: str) -> "pa.DataType":
    import pyarrow as pa

    types: Mapping[str, Any] = {
        "count": pa.int64(),
        "day": pa.date32(),
        "text": pa.string(),
        "moment": pa.timestamp("us", "UTC"),
    }
    return types.get(kind, pa.float64())
