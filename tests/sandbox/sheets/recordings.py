"""What the real service answered, and whether the stand-in answers the same."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from tests.sandbox.sheets.protocol.json_types import Json, JsonObject
from tests.sandbox.sheets.server import SheetsSandbox

# Chosen by the service; the same thing has another one at every recording.
IDENTIFIERS = {"sheetId", "namedRangeId", "protectedRangeId"}
# What a new spreadsheet looks like has changed over the years.
LOOKS = {"defaultFormat", "spreadsheetTheme"}
SECONDS = 10


@dataclass(frozen=True)
class Exchange:
    """A recorded request and the service's answer to it.

    Attributes:
        method: the HTTP method.
        uri: the path and the query.
        body: the request's body; None where it had none.
        status: the HTTP status of the answer.
        answer: the answer.
    """

    method: str
    uri: str
    body: Json
    status: int
    answer: Json

    @property
    def spreadsheet_id(self) -> str:
        """The spreadsheet that the request is about."""
        return urlsplit(self.uri).path.split("/")[3].partition(":")[0]


def read_recording(file: Path) -> list[Exchange]:
    """Read a file of recorded exchanges, one a line.

    Args:
        file: the file.
    """
    exchanges = []
    for line in file.read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        request, response = pair["request"], pair["response"]
        parts = urlsplit(request["uri"])
        uri = f"{parts.path}?{parts.query}" if parts.query else parts.path
        exchanges.append(Exchange(request["method"], uri, request["body"], response["status"], response["body"]))
    return exchanges


class Replay:
    """Puts recorded requests to the stand-in, in order.

    Args:
        sandbox: the stand-in.
        session: a session that the stand-in knows.
    """

    def __init__(self, sandbox: SheetsSandbox, session: requests.Session) -> None:
        self._sandbox = sandbox
        self._session = session
        self._seen: set[str] = set()
        self._ours: dict[tuple[str, str], Json] = {}

    def differences(self, exchange: Exchange) -> list[str]:
        """Put one request.

        Args:
            exchange: the request and the service's answer.

        Returns:
            Where our answer differs from the service's, nothing where it does not.
        """
        self._prepare(exchange)
        url, body = self._sandbox.url + exchange.uri, _with_identifiers(exchange.body, self._ours)
        response = self._session.request(exchange.method, url, json=body, timeout=SECONDS)
        answer = response.json()
        if response.status_code != exchange.status:
            return [f"status {response.status_code}, not {exchange.status}: {answer}"]
        self._ours |= dict(_new_identifiers(exchange.answer, answer))
        return list(_differences(_comparable(exchange.answer), _comparable(answer), "answer"))

    def _prepare(self, exchange: Exchange) -> None:
        """Make the spreadsheet as its first answer shows it; what was refused then is refused now."""
        if exchange.spreadsheet_id in self._seen or exchange.status == 404:
            return
        self._seen.add(exchange.spreadsheet_id)
        self._ours = {}
        first = exchange.answer if exchange.status == 200 else {}
        made: JsonObject = {}
        if "sheets" in first:
            made["sheets"] = [sheet["properties"] for sheet in first["sheets"]]
        title = first.get("properties", {}).get("title", "Untitled")
        self._sandbox.add_spreadsheet(exchange.spreadsheet_id, title, () if exchange.status == 403 else None, **made)


def _with_identifiers(body: Json, ours: dict[tuple[str, str], Json]) -> Json:
    if isinstance(body, list):
        return [_with_identifiers(item, ours) for item in body]
    if not isinstance(body, dict):
        return body
    replaced = {name: _with_identifiers(value, ours) for name, value in body.items()}
    return replaced | {
        name: ours[name, str(body[name])] for name in IDENTIFIERS & body.keys() if (name, str(body[name])) in ours
    }


def _new_identifiers(theirs: Json, ours: Json) -> Iterator[tuple[tuple[str, str], Json]]:
    if isinstance(theirs, list) and isinstance(ours, list):
        for their_item, our_item in zip(theirs, ours, strict=False):
            yield from _new_identifiers(their_item, our_item)
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in theirs.keys() & ours.keys():
            if name in IDENTIFIERS:
                yield (name, str(theirs[name])), ours[name]
            yield from _new_identifiers(theirs[name], ours[name])


def _comparable(answer: Json) -> Json:
    if isinstance(answer, list):
        return [_comparable(item) for item in answer]
    if not isinstance(answer, dict):
        return answer
    return {name: _comparable(value) for name, value in answer.items() if name not in IDENTIFIERS | LOOKS}


def _differences(theirs: Json, ours: Json, place: str) -> Iterator[str]:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in sorted(theirs.keys() | ours.keys()):
            yield from _differences(theirs.get(name), ours.get(name), f"{place}.{name}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (their_item, our_item) in enumerate(zip(theirs, ours, strict=True)):
            yield from _differences(their_item, our_item, f"{place}[{index}]")
    elif theirs != ours or isinstance(theirs, bool) != isinstance(ours, bool):
        yield f"{place} is {ours!r}, not {theirs!r}"
