"""The stand-in as a server on the loopback interface: who calls, what is called, and what is answered."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import RLock, Thread
from typing import Self, TypeAlias
from urllib.parse import unquote

from tests.sandbox.sheets import values
from tests.sandbox.sheets.book import FIRST_SHEET, Book, new_sheet
from tests.sandbox.sheets.changes import batch_update
from tests.sandbox.sheets.discovery import find_method
from tests.sandbox.sheets.errors import GoogleError, SandboxBugError, not_implemented
from tests.sandbox.sheets.faults import SheetsFault
from tests.sandbox.sheets.json_types import Json, JsonObject
from tests.sandbox.sheets.masks import read_mask, select
from tests.sandbox.sheets.messages import check_answer, read_body, read_query
from tests.sandbox.sheets.oauth import ServiceAccount
from tests.sandbox.sheets.view import get_book, table, trim_cells

HOST = "127.0.0.1"
TOKEN_PATH = "/token"
# Carries out a method: the spreadsheet, the parameters in path and query, the body.
Handler: TypeAlias = Callable[[Book, JsonObject, JsonObject], JsonObject]

HANDLERS: dict[str, Handler] = {
    "sheets.spreadsheets.get": get_book,
    "sheets.spreadsheets.batchUpdate": batch_update,
    "sheets.spreadsheets.values.get": values.get,
    "sheets.spreadsheets.values.batchGet": values.batch_get,
    "sheets.spreadsheets.values.update": values.update,
    "sheets.spreadsheets.values.batchUpdate": values.batch_update,
    "sheets.spreadsheets.values.clear": values.clear,
    "sheets.spreadsheets.values.batchClear": values.batch_clear,
}


class SheetsSandbox:
    """Google Sheets and Google's token endpoint for one service account, for as long as the `with` block runs.

    Every request and every answer is checked against Google's own description of the API. An answer of ours that
    does not fit it is a bug: the caller gets status 500, and the `with` block ends with an error.

    Attributes:
        url: what stands for `https://sheets.googleapis.com`.
        service_account_email: the address with which spreadsheets are shared.
        requests: the method and the decoded path of every request so far, token requests included.
        faults: refusals to come, such as `SheetsFault(status=429, times=2)`; the first that fits a request is taken.
    """

    def __init__(self) -> None:
        self.faults: list[SheetsFault] = []
        self._books: dict[str, Book] = {}
        self.requests: list[tuple[str, str]] = []
        self._bugs: list[str] = []
        # Held while a request is carried out, and by whoever looks at the spreadsheets.
        self._lock = RLock()
        self._server = _Server((HOST, 0), _Handler)
        self._server.answer = self._answer
        self.url = f"http://{HOST}:{self._server.server_port}"
        self._account = ServiceAccount(self.url + TOKEN_PATH)
        self.service_account_email = self._account.email
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if self._bugs and error is None:
            raise SandboxBugError("; ".join(self._bugs))

    def service_account_info(self) -> dict[str, str]:
        """The content of the service account's JSON file, as Google hands it out."""
        return self._account.info()

    def revoke_tokens(self) -> None:
        """Makes every token given so far invalid, as if its hour were over."""
        with self._lock:
            self._account.revoke_tokens()

    def add_spreadsheet(
        self,
        spreadsheet_id: str,
        title: str,
        shared_with: Collection[str] | None = None,
        *,
        read_only_for: Collection[str] = (),
        sheets: Sequence[Mapping[str, object]] = (FIRST_SHEET,),
        locale: str = "en_US",
    ) -> None:
        """Makes a spreadsheet.

        Args:
            spreadsheet_id: its identifier.
            title: its title.
            shared_with: the addresses of those who may change it; the service account's by default.
            read_only_for: the addresses of those who may only look at it.
            sheets: the API's `SheetProperties` of its sheets; by default one empty `Sheet1` of 1000 × 26 cells.
            locale: how numbers and dates are shown.
        """
        writers = [self.service_account_email] if shared_with is None else shared_with
        described = {
            "spreadsheetId": spreadsheet_id,
            "spreadsheetUrl": f"https://docs.google.com/spreadsheets/d/{spreadsheet_id}/edit",
            "properties": {"title": title, "locale": locale, "autoRecalc": "ON_CHANGE", "timeZone": "Etc/GMT"},
        }
        with self._lock:
            self._books[spreadsheet_id] = Book(described, [new_sheet(one) for one in sheets], writers, read_only_for)

    def type_in(self, spreadsheet_id: str, place: str, value: float | str) -> None:
        """Writes into one cell, such as `RawData!B2`, as another person does it."""
        with self._lock:
            sheet, grid_range = self._books[spreadsheet_id].find_range(place)
            area = sheet.area(grid_range)
            entered = {"stringValue" if isinstance(value, str) else "numberValue": value}
            sheet.put((area.top, area.left), sheet.cells.get((area.top, area.left), {}) | {"userEnteredValue": entered})

    def protect(self, spreadsheet_id: str, tab: str, cells: str) -> None:
        """Protects cells, such as `A2:D3`, from the service account, as another person does it."""
        with self._lock:
            sheet, grid_range = self._books[spreadsheet_id].find_range(f"'{tab}'!{cells}")
            protected = sheet.described.setdefault("protectedRanges", [])
            place = grid_range | ({"sheetId": sheet.sheet_id} if sheet.sheet_id else {})
            protected.append({"protectedRangeId": len(protected) + 1, "range": place})

    def lift_protection(self, spreadsheet_id: str) -> None:
        """Lets the service account write everywhere again."""
        with self._lock:
            for sheet in self._books[spreadsheet_id].sheets:
                sheet.described.pop("protectedRanges", None)

    def tabs(self, spreadsheet_id: str) -> list[str]:
        """The titles of a spreadsheet's sheets, in their order."""
        with self._lock:
            return [sheet.title for sheet in self._books[spreadsheet_id].sheets]

    def cells(self, spreadsheet_id: str, tab: str) -> list[list[str]]:
        """What a sheet shows, row by row, without the empty rows and cells at its ends."""
        with self._lock:
            book = self._books[spreadsheet_id]
            sheet, grid_range = book.find_range(f"'{tab}'")
            return table(book, sheet, sheet.area(grid_range))

    def _answer(self, method: str, target: str, authorization: str, body: bytes) -> tuple[int, Json]:
        """Carries a request out, unless a fault forbids it: the HTTP status, and what is answered."""
        path = unquote(target.partition("?")[0])
        with self._lock:
            self.requests.append((method, path))
            fault = next((one for one in self.faults if one.fits(method, path)), None)
            try:
                answer = self._carry_out(method, target, authorization, body) if not fault or fault.after_effect else {}
                if fault:
                    fault.refuse(method)
            except GoogleError as refused:
                if path == TOKEN_PATH:
                    return refused.code, {"error": refused.word.lower(), "error_description": refused.message}
                return refused.code, refused.body()
            except ConnectionError:
                # Ordered by a fault: the server breaks the connection off.
                raise
            except Exception as bug:  # noqa: BLE001 - whatever it is, it has to reach the test
                self._bugs.append(f"{method} {target}: {bug!r}")
                return 500, GoogleError(500, f"SANDBOX BUG: {bug!r}").body()
            return 200, answer

    def _carry_out(self, http_method: str, target: str, authorization: str, raw: bytes) -> JsonObject:
        path, _, sent_query = target.partition("?")
        if (http_method, path) == ("POST", TOKEN_PATH):
            return self._account.grant(raw)
        method, parameters = find_method(http_method, path)
        if not self._account.scopes(authorization) & set(method["scopes"]):
            raise GoogleError(403, "Request had insufficient authentication scopes.")
        query, body, response = read_query(method, sent_query), read_body(method, raw), method["response"]["$ref"]
        mask = read_mask(query.get("fields", "*"), response)
        if method["id"] not in HANDLERS:
            raise not_implemented(method["id"])
        handler, book = HANDLERS[method["id"]], self._find(parameters["spreadsheetId"], to_write=http_method != "GET")
        answer: JsonObject = trim_cells(select(handler(book, query | parameters, body), mask))
        check_answer(response, answer)
        self._books[parameters["spreadsheetId"]] = book
        return answer

    def _find(self, spreadsheet_id: str, *, to_write: bool) -> Book:
        """A spreadsheet, or a copy of it to be changed and kept only if all goes well."""
        book = self._books.get(spreadsheet_id)
        if book is None:
            raise GoogleError(404, "Requested entity was not found.")
        email = self.service_account_email
        if email not in book.writers and (to_write or email not in book.readers):
            raise GoogleError(403, "The caller does not have permission")
        return book.copy() if to_write else book


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    answer: Callable[[str, str, str, bytes], tuple[int, Json]]


class _Handler(BaseHTTPRequestHandler):
    """Answers one request a connection, so that no connection outlives the server."""

    # Head and body leave in one packet; otherwise the second waits for the client to confirm the first.
    wbufsize = -1
    server: _Server

    def handle(self) -> None:
        # The client went away, or is sent away by a fault: there is nobody to answer.
        with suppress(ConnectionError):
            super().handle()

    def answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        authorization = self.headers.get("Authorization", "")
        status, content = self.server.answer(self.command, self.path, authorization, sent)
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - the names that the base class looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Says nothing: the requests are kept, and tests are quiet."""
