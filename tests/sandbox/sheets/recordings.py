"""What the real service answered, and whether the stand-in answers the same."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tests.sandbox.sheets.json_types import Json, JsonObject
from tests.sandbox.sheets.notation import FORMULA_SHOWN
from tests.sandbox.sheets.server import SheetsSandbox

# What a new spreadsheet looks like has changed over the years; the stand-in does not say it.
LOOKS = {"defaultFormat", "spreadsheetTheme"}
# What the stand-in does not speak.
UNSUPPORTED = (":append", "autoResizeDimensions")


def replay(sandbox: SheetsSandbox, session: requests.Session, file: Path) -> Iterator[str]:
    """Puts the recorded requests of a file, one with its answer a line, to the stand-in in order.

    Yields:
        Where an answer is another one than the recorded one.
    """
    seen: set[str] = set()
    left: set[str] = set()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        exchange: JsonObject = json.loads(line)
        request, response = exchange["request"], exchange["response"]
        spreadsheet_id = urlsplit(request["uri"]).path.split("/")[3].partition(":")[0]
        if spreadsheet_id in left or any(name in str(request) for name in UNSUPPORTED):
            # What comes after it stands on what was not done.
            left.add(spreadsheet_id)
            continue
        if spreadsheet_id not in seen and response["status"] != 404:
            seen.add(spreadsheet_id)
            _make_spreadsheet(sandbox, spreadsheet_id, response)
        _take_numbers(request["body"] or {}, response["body"])
        answer = session.request(request["method"], sandbox.url + request["uri"], json=request["body"], timeout=10)
        if answer.status_code != response["status"]:
            yield f"line {number}: status {answer.status_code}, not {response['status']}: {answer.text}"
        yield from _differences(response["body"], answer.json(), f"line {number}: answer")


def _make_spreadsheet(sandbox: SheetsSandbox, spreadsheet_id: str, first: JsonObject) -> None:
    """Makes the spreadsheet as its first answer shows it; what was refused then is refused now."""
    shown = first["body"] if first["status"] == 200 else {}
    made: JsonObject = {"sheets": [sheet["properties"] for sheet in shown["sheets"]]} if "sheets" in shown else {}
    title = shown.get("properties", {}).get("title", "Untitled")
    sandbox.add_spreadsheet(spreadsheet_id, title, () if first["status"] == 403 else None, **made)


def _take_numbers(body: JsonObject, answer: JsonObject) -> None:
    """Asks for the numbers of new sheets that the service chose then."""
    for request, reply in zip(body.get("requests", []), answer.get("replies", []), strict=False):
        if "addSheet" in request:
            request["addSheet"]["properties"]["sheetId"] = reply["addSheet"]["properties"]["sheetId"]


def _differences(theirs: Json, ours: Json, place: str) -> Iterator[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in sorted((theirs.keys() | ours.keys()) - LOOKS):
            yield from _differences(theirs.get(name), ours.get(name), f"{place}.{name}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (their_item, our_item) in enumerate(zip(theirs, ours, strict=True)):
            yield from _differences(their_item, our_item, f"{place}[{index}]")
    # The stand-in works no formula out; what else the answer holds is compared.
    elif ours != FORMULA_SHOWN and (theirs != ours or isinstance(theirs, bool) != isinstance(ours, bool)):
        yield f"{place} is {ours!r}, not {theirs!r}"
