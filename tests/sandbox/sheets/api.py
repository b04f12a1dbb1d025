"""The API behind the server: who calls, what is called, and what is answered."""

from collections.abc import Callable
from datetime import UTC, datetime
from threading import RLock
from typing import TypeAlias

from tests.sandbox.sheets.book.spreadsheet import Spreadsheet
from tests.sandbox.sheets.changes import batch
from tests.sandbox.sheets.faults import SheetsFault
from tests.sandbox.sheets.methods import spreadsheet_methods, values_methods
from tests.sandbox.sheets.methods.call import Call
from tests.sandbox.sheets.methods.spreadsheet_view import trim_cells
from tests.sandbox.sheets.oauth import Caller, GrantError, TokenOffice, insufficient_scopes
from tests.sandbox.sheets.protocol.discovery import Method, find_method, schema
from tests.sandbox.sheets.protocol.errors import (
    GoogleError,
    Violation,
    bad_request,
    not_found,
    not_implemented,
    permission_denied,
)
from tests.sandbox.sheets.protocol.field_mask import parse_mask, select, unknown_paths
from tests.sandbox.sheets.protocol.incoming import read_body, read_query
from tests.sandbox.sheets.protocol.json_types import JsonObject
from tests.sandbox.sheets.protocol.messages import Answer, Request, json_answer, no_such_page
from tests.sandbox.sheets.protocol.outgoing import check_answer

Handler: TypeAlias = Callable[[Call], JsonObject]

READING: dict[str, Handler] = {
    "sheets.spreadsheets.get": spreadsheet_methods.get,
    "sheets.spreadsheets.values.get": values_methods.get,
    "sheets.spreadsheets.values.batchGet": values_methods.batch_get,
}
WRITING: dict[str, Handler] = {
    "sheets.spreadsheets.batchUpdate": batch.batch_update,
    "sheets.spreadsheets.sheets.copyTo": spreadsheet_methods.copy_to,
    "sheets.spreadsheets.values.append": values_methods.append,
    "sheets.spreadsheets.values.batchClear": values_methods.batch_clear,
    "sheets.spreadsheets.values.batchUpdate": values_methods.batch_update,
    "sheets.spreadsheets.values.clear": values_methods.clear,
    "sheets.spreadsheets.values.update": values_methods.update,
}
TOKEN_PATH = "/token"


class SheetsApi:
    """Spreadsheets, and the way to them.

    Attributes:
        spreadsheets: by identifier.
        faults: refusals that are ordered; the first one that fits a request is taken.
        requests: the method and the decoded path of every request so far.
        bugs: what the stand-in itself did wrong; no test may pass after one of these.
        lock: held while a request is carried out; to be held by whoever looks at the rest.
    """

    def __init__(self, office: TokenOffice) -> None:
        self.spreadsheets: dict[str, Spreadsheet] = {}
        self.faults: list[SheetsFault] = []
        self.requests: list[tuple[str, str]] = []
        self.bugs: list[str] = []
        self.lock = RLock()
        self._office = office

    def add(self, book: Spreadsheet) -> None:
        """Take a spreadsheet in.

        Args:
            book: the spreadsheet.

        Raises:
            ValueError: there is a spreadsheet with its identifier.
        """
        with self.lock:
            if book.spreadsheet_id in self.spreadsheets:
                raise ValueError(f"there is a spreadsheet {book.spreadsheet_id!r} already")
            self.spreadsheets[book.spreadsheet_id] = book

    def answer(self, request: Request) -> Answer:
        """Carry out a request, whatever it is.

        Args:
            request: the request.
        """
        with self.lock:
            self.requests.append((request.method, request.path))
            try:
                return self._with_faults(request)
            except GrantError as refused:
                return json_answer(400, {"error": refused.error, "error_description": refused.description})
            except GoogleError as refused:
                if request.raw_path == TOKEN_PATH:
                    content = {"error": refused.word.lower(), "error_description": refused.message}
                    return json_answer(refused.code, content)
                return json_answer(refused.code, refused.body())
            except ConnectionError:
                # Ordered by a fault: the server breaks the connection off.
                raise
            except Exception as bug:  # noqa: BLE001 - whatever it is, it has to reach the test
                self.bugs.append(f"{request.method} {request.target}: {bug!r}")
                return json_answer(500, GoogleError(500, f"SANDBOX BUG: {bug!r}").body())

    def _with_faults(self, request: Request) -> Answer:
        fault = next((one for one in self.faults if one.fits(request.method, request.path)), None)
        answer = None if fault and not fault.after_effect else self._answer(request)
        if fault:
            fault.use()
            raise fault.error(request.method)
        return answer or no_such_page(request.path)

    def _answer(self, request: Request) -> Answer | None:
        if (request.method, request.raw_path) == ("POST", TOKEN_PATH):
            return json_answer(200, self._office.grant(request.body))
        found = find_method(request.method, request.raw_path)
        if found is None:
            return None
        method, path = found
        caller = self._office.caller(request.headers)
        if not caller.scopes & method.scopes:
            raise insufficient_scopes(method.name)
        query, body = read_query(method, request.query), read_body(method, request.body)
        _check_fields(method, query)
        return json_answer(200, self._carry_out(method, caller, path, query, body))

    def _carry_out(
        self, method: Method, caller: Caller, path: dict[str, str], query: JsonObject, body: JsonObject
    ) -> JsonObject:
        handler = READING.get(method.name) or WRITING.get(method.name)
        if handler is None:
            raise not_implemented(method.name)
        changed: dict[str, Spreadsheet] = {}

        def writable(spreadsheet_id: str) -> Spreadsheet:
            if spreadsheet_id not in changed:
                changed[spreadsheet_id] = self._find(spreadsheet_id, caller, to_write=True).copy()
            return changed[spreadsheet_id]

        wanted = path["spreadsheetId"]
        book = writable(wanted) if method.name in WRITING else self._find(wanted, caller, to_write=False)
        content = handler(Call(book, path, query, body, datetime.now(tz=UTC).date(), writable))
        check_answer(method.response, content)
        self.spreadsheets |= changed
        return _selected(content, query)

    def _find(self, spreadsheet_id: str, caller: Caller, *, to_write: bool) -> Spreadsheet:
        book = self.spreadsheets.get(spreadsheet_id)
        if book is None:
            raise not_found()
        if caller.email not in book.writers and (to_write or caller.email not in book.readers):
            raise permission_denied()
        return book


def _check_fields(method: Method, query: JsonObject) -> None:
    text = query.get("fields", "*")
    try:
        wrong = list(unknown_paths(parse_mask(text), schema(method.response)))
    except ValueError:
        wrong = [text]
    if wrong:
        reason = "Error expanding 'fields' parameter. Cannot find matching fields for path"
        violations = [Violation(path, f"{reason} '{path}'.") for path in wrong]
        raise bad_request(violations, "Request contains an invalid argument.")


def _selected(content: JsonObject, query: JsonObject) -> JsonObject:
    if "fields" not in query:
        return content
    part: JsonObject = select(content, parse_mask(query["fields"]))
    return trim_cells(part)
