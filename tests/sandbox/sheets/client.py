"""Google's client libraries, turned to the stand-in."""

from collections.abc import Mapping
from typing import Any

import gspread
import requests
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

SCOPES = ("https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive")
GOOGLE = "https://sheets.googleapis.com"


def open_client(info: Mapping[str, str], url: str) -> gspread.Client:
    """Give a gspread client that calls the stand-in, with the content of the service account's JSON file."""

    class RedirectedClient(gspread.HTTPClient):
        """Sends to the stand-in what is meant for Google."""

        def request(self, method: str, endpoint: str, *args: Any, **kwargs: Any) -> requests.Response:
            return super().request(method, endpoint.replace(GOOGLE, url), *args, **kwargs)

    credentials = Credentials.from_service_account_info(info, scopes=SCOPES)  # type: ignore[no-untyped-call]
    credentials.refresh(Request())
    # As in `tasks.sheet`: google-auth's own session would also call a service that nothing stands in for.
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {credentials.token}"
    return gspread.Client(auth=credentials, session=session, http_client=RedirectedClient)
