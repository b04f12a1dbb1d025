"""The stand-in as a server on the loopback interface."""

import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

from tests.sandbox.sheets.api import TOKEN_PATH, SheetsApi
from tests.sandbox.sheets.book.a1 import Span
from tests.sandbox.sheets.book.spreadsheet import FIRST_SHEET, grid_range_of, new_spreadsheet
from tests.sandbox.sheets.faults import SheetsFault
from tests.sandbox.sheets.methods.rendering import Renderer
from tests.sandbox.sheets.oauth import ServiceAccount, TokenOffice
from tests.sandbox.sheets.protocol.errors import SandboxBugError
from tests.sandbox.sheets.protocol.messages import Request

HOST = "127.0.0.1"


class SheetsSandbox:
    """Google Sheets and Google's token endpoint for one service account, for as long as the `with` block runs.

    Every request and every answer is checked against Google's own description of the API. An answer of ours that
    does not fit it is a bug: the caller gets status 500, and the `with` block ends with an error.

    Args:
        port: the port to listen on; a free one by default.

    Attributes:
        url: what stands for `https://sheets.googleapis.com`.
        token_url: the address of the token endpoint.
        service_account_email: the address with which spreadsheets are shared.
        faults: refusals to come, such as `SheetsFault(status=429, times=2)`; the first that fits a request is taken.
    """

    def __init__(self, port: int = 0) -> None:
        self._account = ServiceAccount()
        self._server = _Server((HOST, port), _Handler)
        self.url = f"http://{HOST}:{self._server.server_port}"
        self.token_url = self.url + TOKEN_PATH
        self.service_account_email = self._account.email
        self._office = TokenOffice(self._account, self.token_url)
        self._api = SheetsApi(self._office)
        self._server.api = self._api
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        if self._api.bugs and error is None:
            raise SandboxBugError("; ".join(self._api.bugs))

    @property
    def faults(self) -> list[SheetsFault]:
        """The refusals to come; append to it."""
        return self._api.faults

    @property
    def requests(self) -> list[tuple[str, str]]:
        """The method and the decoded path of every request so far, token requests included; a copy."""
        with self._api.lock:
            return list(self._api.requests)

    def service_account_info(self) -> dict[str, str]:
        """Give the content of the service account's JSON file, as Google hands it out."""
        return self._account.info(self.token_url)

    def revoke_tokens(self) -> None:
        """Make every token given so far invalid, as if its hour were over."""
        with self._api.lock:
            self._office.revoke_all()

    def add_spreadsheet(
        self,
        spreadsheet_id: str,
        title: str,
        shared_with: Collection[str] | None = None,
        *,
        read_only_for: Collection[str] = (),
        locale: str = "en_US",
        time_zone: str = "Etc/GMT",
        sheets: Sequence[Mapping[str, object]] = (FIRST_SHEET,),
    ) -> None:
        """Make a spreadsheet.

        Args:
            spreadsheet_id: its identifier.
            title: its title.
            shared_with: the addresses of those who may change it; the service account's by default.
            read_only_for: the addresses of those who may only look at it.
            locale: in which country's way numbers and dates are written, such as `ru_RU`.
            time_zone: its time zone, such as `Europe/Moscow`.
            sheets: the API's `SheetProperties` of its sheets; by default one empty `Sheet1` of 1000 × 26 cells.

        Raises:
            ValueError: there is a spreadsheet with this identifier.
        """
        book = new_spreadsheet(spreadsheet_id, {"title": title, "locale": locale, "timeZone": time_zone}, sheets)
        book.writers = frozenset([self.service_account_email] if shared_with is None else shared_with)
        book.readers = frozenset(read_only_for)
        self._api.add(book)

    def type_in(self, spreadsheet_id: str, place: str, value: float | str) -> None:
        """Write into one cell, as another person does it.

        Args:
            spreadsheet_id: the spreadsheet.
            place: the cell, such as `RawData!B2`.
            value: what it holds from now on.

        Raises:
            GoogleError: there is no such cell.
        """
        with self._api.lock:
            sheet, span = self._api.spreadsheets[spreadsheet_id].find_range(place)
            row, column = span.start_row, span.start_column
            sheet.grid.put(row, column, replace(sheet.grid.get(row, column), value=value))

    def protect(self, spreadsheet_id: str, tab: str, cells: str) -> None:
        """Protect cells from the service account, as another person does it.

        Args:
            spreadsheet_id: the spreadsheet.
            tab: the sheet's title.
            cells: the range, such as `A2:D3`.

        Raises:
            GoogleError: there is no such range.
        """
        with self._api.lock:
            sheet, span = self._api.spreadsheets[spreadsheet_id].find_range(f"{tab}!{cells}")
            sheet.protected_ranges.append(
                {
                    "protectedRangeId": len(sheet.protected_ranges) + 1,
                    "range": grid_range_of(sheet, span),
                    "requestingUserCanEdit": False,
                }
            )

    def lift_protection(self, spreadsheet_id: str) -> None:
        """Let the service account write everywhere again."""
        with self._api.lock:
            for sheet in self._api.spreadsheets[spreadsheet_id].sheets:
                sheet.protected_ranges.clear()

    def cells(self, spreadsheet_id: str, tab: str) -> list[list[str]]:
        """Give what a sheet shows, row by row, without the empty rows and cells at its ends.

        Args:
            spreadsheet_id: the spreadsheet.
            tab: the sheet's title.

        Raises:
            KeyError: there is no such spreadsheet, or no such sheet in it.
        """
        with self._api.lock:
            book = self._api.spreadsheets[spreadsheet_id]
            sheet = book.find_title(tab)
            if sheet is None:
                raise KeyError(tab)
            return Renderer(book).table(sheet, sheet.area(Span()))


class _Server(ThreadingHTTPServer):
    """Knows its connections, so that none of them outlives it."""

    daemon_threads = False
    api: SheetsApi

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._connections: set[socket.socket] = set()
        self._connections_lock = Lock()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._connections_lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        with self._connections_lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    # The client was quicker.
                    continue
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    """Takes requests from a connection, one after the other, and sends the answers."""

    protocol_version = "HTTP/1.1"
    # Head and body leave in one packet; otherwise the second waits for the client to confirm the first.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            # The client went away; there is nobody left to answer.
            self.close_connection = True

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.title(): value for name, value in self.headers.items()}
        answer = self.server.api.answer(Request(self.command, self.path, headers, self.rfile.read(length)))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the names that the base class looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the requests are kept, and tests are quiet."""
