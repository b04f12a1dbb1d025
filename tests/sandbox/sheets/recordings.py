"""What the real service answered, and whether the stand-in answers the same."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tests.sandbox.sheets.json_types import Json, JsonObject
from tests.sandbox.sheets.notation import FORMULA_SHOWN
from tests.sandbox.sheets.server import SheetsSandbox

# What a new spreadsheet looks like has changed over the years; the stand-in does not say it.
LOOKS = {"defaultFormat", "spreadsheetTheme"}


@dataclass(frozen=True)
class Exchange:
    """A recorded request, its body None where it had none, and the service's answer to it."""

    method: str
    uri: str
    body: Json
    status: int
    answer: Json


def read_recording(file: Path) -> list[Exchange]:
    """Reads a file of recorded exchanges, one a line."""
    exchanges = []
    for line in file.read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        sent, answered = pair["request"], pair["response"]
        exchanges.append(Exchange(sent["method"], sent["uri"], sent["body"], answered["status"], answered["body"]))
    return exchanges


class Replay:
    """Puts recorded requests to the stand-in, in order, by a session that the stand-in knows."""

    def __init__(self, sandbox: SheetsSandbox, session: requests.Session) -> None:
        self._sandbox = sandbox
        self._session = session
        self._seen: set[str] = set()

    def differences(self, exchange: Exchange) -> list[str]:
        """Puts one request, and says where the answer is another one than the recorded one."""
        self._prepare(exchange)
        _take_numbers(exchange)
        answer = self._session.request(
            exchange.method, self._sandbox.url + exchange.uri, json=exchange.body, timeout=10
        )
        if answer.status_code != exchange.status:
            return [f"status {answer.status_code}, not {exchange.status}: {answer.text}"]
        return list(_differences(exchange.answer, answer.json(), "answer"))

    def _prepare(self, exchange: Exchange) -> None:
        """Makes the spreadsheet as its first answer shows it; what was refused then is refused now."""
        spreadsheet_id = urlsplit(exchange.uri).path.split("/")[3].partition(":")[0]
        if spreadsheet_id in self._seen or exchange.status == 404:
            return
        self._seen.add(spreadsheet_id)
        first = exchange.answer if exchange.status == 200 else {}
        made: JsonObject = {}
        if "sheets" in first:
            made["sheets"] = [sheet["properties"] for sheet in first["sheets"]]
        title = first.get("properties", {}).get("title", "Untitled")
        self._sandbox.add_spreadsheet(spreadsheet_id, title, () if exchange.status == 403 else None, **made)


def _take_numbers(exchange: Exchange) -> None:
    """Asks for the numbers of new sheets that the service chose then."""
    for request, reply in zip(
        (exchange.body or {}).get("requests", []), exchange.answer.get("replies", []), strict=False
    ):
        if "addSheet" in request:
            request["addSheet"]["properties"]["sheetId"] = reply["addSheet"]["properties"]["sheetId"]


def _differences(theirs: Json, ours: Json, place: str) -> Iterator[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in sorted((theirs.keys() | ours.keys()) - LOOKS):
            yield from _differences(theirs.get(name), ours.get(name), f"{place}.{name}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (their_item, our_item) in enumerate(zip(theirs, ours, strict=True)):
            yield from _differences(their_item, our_item, f"{place}[{index}]")
    elif ours == FORMULA_SHOWN:
        # The stand-in works no formula out; what else the answer holds is compared.
        return
    elif theirs != ours or isinstance(theirs, bool) != isinstance(ours, bool):
        yield f"{place} is {ours!r}, not {theirs!r}"
