"""Google Cloud Storage as far as an upload needs it: a token, a bucket that is looked up, and objects put into it.

Google's client finds it by the environment variable `STORAGE_EMULATOR_HOST`.
"""

import json
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from tests.sandbox.sheets.oauth import ServiceAccount


class Object(NamedTuple):
    """What lies in a bucket."""

    content_type: str
    content: bytes


class StorageSandbox:
    """One bucket, for as long as the `with` block runs.

    Attributes:
        url: the value of `STORAGE_EMULATOR_HOST`.
        objects: what was put into the bucket, by its name.
        is_closed: whether the account may not write.
    """

    bucket = "reports-of-the-sandbox"

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.is_closed = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.service_account_info = ServiceAccount(f"{self.url}/token").info()
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sandbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_known = urlsplit(self.path).path == f"/storage/v1/b/{sandbox.bucket}"
                self._answer(*((200, {"name": sandbox.bucket}) if is_known else (404, {"error": {"code": 404}})))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/token":
                    self._answer(200, {"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"})
                elif self.headers["Authorization"] != "Bearer a-token" or sandbox.is_closed:
                    self._answer(403, {"error": {"code": 403, "message": "The account may not write."}})
                else:
                    kind = self.headers["Content-Type"].encode()
                    parts: Any = message_from_bytes(b"Content-Type: " + kind + b"\r\n\r\n" + body).get_payload()
                    description, media = parts
                    name = json.loads(description.get_payload())["name"]
                    sandbox.objects[name] = Object(media["Content-Type"], media.get_payload(decode=True))
                    self._answer(200, {"name": name, "bucket": sandbox.bucket})

            def _answer(self, status: int, content: dict[str, Any]) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, *_: object) -> None:
                pass

        return Handler
