"""Calls of the API without a server in between, for tests of what it answers."""

import json
from functools import lru_cache
from urllib.parse import quote, urlencode

from tests.sandbox.sheets.api import SheetsApi
from tests.sandbox.sheets.book.spreadsheet import new_spreadsheet
from tests.sandbox.sheets.oauth import ServiceAccount, TokenOffice
from tests.sandbox.sheets.protocol.discovery import all_scopes
from tests.sandbox.sheets.protocol.json_types import Json, JsonObject
from tests.sandbox.sheets.protocol.messages import Request

ROOT = "/v4/spreadsheets/book"


@lru_cache(maxsize=1)
def _account() -> ServiceAccount:
    """One account for all callers: it takes a while to make a key, and none is used here."""
    return ServiceAccount()


class DirectCaller:
    """One spreadsheet, `book`, with one empty sheet, and a caller who may do everything with it.

    Args:
        locale: in which country's way numbers and dates are written.

    Attributes:
        api: the API.
        authorization: the header that tells who calls.
    """

    def __init__(self, locale: str = "en_US") -> None:
        account = _account()
        self._office = TokenOffice(account, "http://sandbox.example/token")
        self.api = SheetsApi(self._office)
        book = new_spreadsheet("book", {"title": "Book", "locale": locale})
        book.writers = {account.email}
        self.api.add(book)
        self.authorization = f"Bearer {self._office.issue(all_scopes())}"

    def only_for_reading(self) -> "DirectCaller":
        """Give up the right to write, and give the caller itself."""
        scope = "https://www.googleapis.com/auth/spreadsheets.readonly"
        self.authorization = f"Bearer {self._office.issue({scope})}"
        return self

    def call(self, method: str, path: str = "", body: Json = None, **query: str) -> tuple[int, JsonObject]:
        """Call a method.

        Args:
            method: the HTTP method.
            path: what follows the spreadsheet in the path, such as `:batchUpdate`.
            body: the body; none by default.
            **query: the parameters in the query.

        Returns:
            The HTTP status and the answer.
        """
        target = f"{ROOT}{path}?{urlencode(query)}" if query else f"{ROOT}{path}"
        sent = b"" if body is None else json.dumps(body).encode()
        answer = self.api.answer(Request(method, target, {"Authorization": self.authorization}, sent))
        return answer.status, json.loads(answer.body)

    def enter(self, place: str, *rows: list[Json], option: str = "USER_ENTERED") -> tuple[int, JsonObject]:
        """Write values.

        Args:
            place: the range.
            *rows: the rows.
            option: `USER_ENTERED` or `RAW`.
        """
        path = f"/values/{quote(place, safe='')}"
        return self.call("PUT", path, {"values": list(rows)}, valueInputOption=option)

    def read(self, place: str, option: str = "FORMATTED_VALUE", dates: str = "SERIAL_NUMBER") -> list[list[Json]]:
        """Read values.

        Args:
            place: the range.
            option: the `valueRenderOption`.
            dates: the `dateTimeRenderOption`.
        """
        path = f"/values/{quote(place, safe='')}"
        _, answer = self.call("GET", path, valueRenderOption=option, dateTimeRenderOption=dates)
        values: list[list[Json]] = answer.get("values", [])
        return values

    def change(self, **request: Json) -> tuple[int, JsonObject]:
        """Carry out one request of `spreadsheets.batchUpdate`.

        Args:
            **request: the request by its kind.
        """
        return self.call("POST", ":batchUpdate", {"requests": [request]})

    def sheet(self, title: str = "Sheet1") -> JsonObject:
        """Describe a sheet without its cells."""
        _, answer = self.call("GET")
        found: JsonObject = next(one for one in answer["sheets"] if one["properties"]["title"] == title)
        return found
