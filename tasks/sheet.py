"""Sheet: sections in a Google spreadsheet: the whole history of daily figures, and what a run found.

Values are written over those that are there, never after these are cleared, so that an outage at any moment leaves
figures standing; then everything is read back and compared. Of `RawData`, the history, nothing but dates and counts is
written, of the other tabs, which `tasks.sheet_tabs` lays out, all texts raw: none can become a formula.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import count, filterfalse, takewhile
from typing import Any, Final, NamedTuple

import gspread
import pandas as pd
from gspread.utils import DateTimeOption, ValueInputOption, ValueRenderOption, absolute_range_name
from gspread_dataframe import set_with_dataframe
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.tasks import exponential_backoff
from prefect.types import SecretDict

from schemas.section import Section
from schemas.summary import RunSummary
from tasks.errors import PermanentError, TransientError
from tasks.google_sheets import GOOGLE_SHEETS_URL, open_spreadsheet
from tasks.retries import is_transient
from tasks.sheet_grid import FIELDS, Grid, Request, add_tab, make_room
from tasks.sheet_tabs import EPOCH, TABS, Cells, Plan, plan

TAB: Final = "RawData"
COLUMNS: Final = 4
"""Date, attempts, successful attempts, unique users: A to D, which are the program's own."""
MAX_VANISHING_DAYS: Final = 2
"""So many days may leave the sheet at once: a change of the time zone moves the first and the last one."""


class Published(NamedTuple):
    """Where the figures are, and a line for each tab that was left as it is."""

    url: str
    problems: tuple[str, ...] = ()


def publish_figures(
    key: SecretDict, spreadsheet_id: str, history: Section, summary: RunSummary, api_url: str = GOOGLE_SHEETS_URL
) -> Published:
    """Replaces the program's figures; what people keep beside them is left alone.

    Args:
        key: the service account's, as its file holds it.
        history: a row a day, oldest first, in four columns, of which the first is the day; without any row `RawData` is
            left as it is.
        summary: what the run found; a tab whose section is not there is left as it is.

    Raises:
        TransientError: a quota, an outage, or somebody else wrote at the same time.
        PermanentError: wrong credentials, a spreadsheet that is missing or not shared, or figures that would vanish.
    """
    header: list[Any] = [column.title for column in history.columns]
    days: list[list[Any]] = [header, *(list(row.values) for row in history.rows)] if history.rows else []
    with open_spreadsheet(key, spreadsheet_id, api_url) as sheet:
        known = map(Grid.read, sheet.fetch_sheet_metadata({"fields": FIELDS})["sheets"])
        # For Google `rawdata` is the same title, and a second tab of it is refused.
        grids = {grid.title.casefold(): grid for grid in known}
        ids = filterfalse({grid.id for grid in grids.values()}.__contains__, count(1))
        raw = grids.get(TAB.casefold()) or Grid(next(ids), TAB, columns=COLUMNS)
        titles = (TAB, *(tab.title for tab in TABS))
        there = _read(sheet, [grid for title in titles if (grid := grids.get(title.casefold()))])
        first = _write_history(sheet, raw, days, there.get(raw.id))
        plans, problems = _plan(summary, grids, there, ids)
        _write_tabs(sheet, plans)
        _compare(_read(sheet, [raw, *(each.grid for each in plans)], first), raw, days[first:], plans)
        return Published(f"{sheet.url}/edit#gid={raw.id}", tuple(problems))


def read_tab(key: SecretDict, spreadsheet_id: str, name: str, api_url: str = GOOGLE_SHEETS_URL) -> list[list[str]]:
    """The cells of a tab as they are shown; none if there is no such tab. Raises as `publish_figures` does."""
    with open_spreadsheet(key, spreadsheet_id, api_url) as sheet:
        tabs = (tab for tab in sheet.worksheets() if tab.title.casefold() == name.casefold())
        cells: list[list[str]] = next((tab.get_all_values() for tab in tabs), [])
    return cells


def try_sheet(key: SecretDict, spreadsheet_id: str, api_url: str = GOOGLE_SHEETS_URL) -> str:
    """Proves write access by writing the title as it is; says what was found. Raises as `publish_figures` does."""
    with open_spreadsheet(key, spreadsheet_id, api_url) as sheet:
        sheet.update_title(sheet.title)
        is_there = any(tab.title.casefold() == TAB.casefold() for tab in sheet.worksheets())
    return f"{sheet.title!r} can be written, {'with its' if is_there else 'the first run adds the'} tab {TAB}"


def _refuse_to_shrink(there: Cells, days: set[date]) -> None:
    """An empty database, say a lost one, must not empty the sheet, which may be the last copy of the figures."""
    vanishing = sorted({day for row in there[1:] if row and (day := _to_date(row[0]))} - days)
    if len(vanishing) > MAX_VANISHING_DAYS:
        raise PermanentError(
            f"Google Sheet: {len(vanishing)} days of {TAB} ({vanishing[0]} to {vanishing[-1]}) are not in the database"
            ": load these days, or delete their rows in the sheet if they are not wanted"
        )


def _count_alike(there: Cells, expected: list[list[Any]]) -> int:
    """How many rows at the top need not be written, the last one never among them.

    Of a history of years few rows change; the measure of a daily run on a table of 10 million attempts needs it.
    """
    numbers = [[(cell - EPOCH).days if isinstance(cell, date) else cell for cell in row] for row in expected[:-1]]
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(there, numbers, strict=False)))


def _write_history(sheet: gspread.Spreadsheet, raw: Grid, days: list[list[Any]], there: Cells | None) -> int:
    """Writes the rows from the first one that differs; gives its place. Without the tab, `there` is None."""
    missing = [add_tab(raw)] if there is None else []
    there = there or []
    if not days:
        _change(sheet, missing)
        return 0
    _refuse_to_shrink(there, {row[0] for row in days[1:]})
    _change(sheet, [*missing, *make_room(raw, 0, range(COLUMNS))])
    first = _count_alike(there, days)
    size = {"rowCount": raw.rows, "columnCount": max(raw.columns, COLUMNS)}
    properties = {"sheetId": raw.id, "title": raw.title, "gridProperties": size}
    tab = gspread.Worksheet(sheet, properties, sheet.id, sheet.client)
    # What is left of more days is emptied.
    rows = days[first:] + [[""] * COLUMNS] * (len(there) - len(days))
    frame = pd.DataFrame(rows, dtype=object)
    set_with_dataframe(tab, frame, row=first + 1, include_column_header=False, resize=False, allow_formulas=False)
    return first


def _plan(
    summary: RunSummary, grids: Mapping[str, Grid], there: Mapping[int, Cells], ids: Iterator[int]
) -> tuple[list[Plan], list[str]]:
    """How each section comes into its tab, and a line for each tab that stays as it is."""
    sections = {section.name: section for section in summary.sections if not section.is_personal}
    plans, problems = [], []
    for tab in (tab for tab in TABS if tab.section in sections):
        grid = grids.get(tab.title.casefold())
        cells = there[grid.id] if grid else ()
        try:
            plans.append(plan(tab, sections[tab.section], grid, cells, next(ids), summary.language))
        except PermanentError as problem:
            problems.append(str(problem))
    return plans, problems


def _write_tabs(sheet: gspread.Spreadsheet, plans: Sequence[Plan]) -> None:
    _change(sheet, [request for each in plans for request in each.requests])
    data = [
        {"range": each.grid.cells(*block[:2], block.end), "values": [[value] for value in block.values]}
        for each in plans
        for block in each.blocks
        if block.values
    ]
    if data:
        sheet.values_batch_update({"valueInputOption": ValueInputOption.raw, "data": data})


def _change(sheet: gspread.Spreadsheet, requests: Sequence[Request]) -> None:
    if requests:
        sheet.batch_update({"requests": requests})


def _read(sheet: gspread.Spreadsheet, grids: Iterable[Grid], first: int = 0) -> dict[int, Cells]:
    """What tabs hold, by their numbers; of `RawData` the program's columns, from a row on."""
    ranges = {
        grid.id: absolute_range_name(grid.title, f"A{first + 1}:D" if grid.title.casefold() == TAB.casefold() else None)
        for grid in grids
    }
    if not ranges:
        return {}
    plain: dict[str, Any] = {
        "valueRenderOption": ValueRenderOption.unformatted,
        "dateTimeRenderOption": DateTimeOption.serial_number,
    }
    found = sheet.values_batch_get([*ranges.values()], plain)["valueRanges"]
    return {number: one.get("values", []) for number, one in zip(ranges, found, strict=True)}


def _compare(written: Mapping[int, Cells], raw: Grid, days: list[list[Any]], plans: Iterable[Plan]) -> None:
    if days and list(map(_as_texts, written[raw.id])) != list(map(_as_texts, days)):
        raise TransientError(f"Google Sheet: {TAB} does not hold what was written: does somebody edit columns A–D?")
    for title in (each.grid.title for each in plans if not each.is_held_by(written[each.grid.id])):
        raise TransientError(f"Google Sheet: {title} does not hold what was written: does somebody edit or sort it?")


def _as_texts(row: Sequence[Any]) -> list[str]:
    """A row in the same words, whether its date is one, a number or a text."""
    return [str(_to_date(cell) or cell) if place == 0 else str(cell) for place, cell in enumerate(row)]


def _to_date(value: object) -> date | None:
    """A cell's date, whether the sheet holds it as a date or, in a column formatted as text, as text."""
    if isinstance(value, int | float):
        return EPOCH + timedelta(days=int(value)) if 0 < value < 100_000 else None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


publish_sheet = task(
    name="publish_sheet",
    task_run_name="sheet",
    description="Writes the history of daily figures, and what the run found, to the Google Sheet.",
    cache_policy=NO_CACHE,
    retries=4,
    # 8 + 16 + 32 + 64 s: longer than the minute over which Google counts its quota.
    retry_delay_seconds=exponential_backoff(backoff_factor=8),
    retry_jitter_factor=0.2,
    retry_condition_fn=is_transient,
)(publish_figures)
