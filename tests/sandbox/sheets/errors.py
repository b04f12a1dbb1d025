"""Refusals in the form in which Google's APIs put them."""

from collections.abc import Sequence

from tests.sandbox.sheets.json_types import JsonObject

# The word that Google sends beside an HTTP status.
STATUS_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class GoogleError(Exception):
    """A request that the service refuses.

    Attributes:
        code: the HTTP status.
        message: what is wrong, in Google's words.
        word: the status in capitals, such as `NOT_FOUND`.
        details: further objects for `error.details`.
    """

    def __init__(self, code: int, message: str, *, word: str | None = None, details: Sequence[JsonObject] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.word = word or STATUS_WORDS.get(code, "UNKNOWN")
        self.details = list(details)

    def body(self) -> JsonObject:
        """The answer's body: `{"error": {"code", "message", "status"}}`, with details where there are any."""
        error: JsonObject = {"code": self.code, "message": self.message, "status": self.word}
        return {"error": error | ({"details": self.details} if self.details else {})}

    def within(self, place: str) -> "GoogleError":
        """The same refusal with its place in a batch before the message, as in `Invalid data[0]: …`."""
        return GoogleError(self.code, f"Invalid {place}: {self.message}", word=self.word, details=self.details)


class SandboxBugError(Exception):
    """The stand-in itself is at fault; no test may pass after one of these."""


def invalid_argument(message: str) -> GoogleError:
    """The refusal of a request that can be read but not carried out."""
    return GoogleError(400, message)


def bad_request(problems: Sequence[tuple[str, str]]) -> GoogleError:
    """The refusal of a request that does not have the method's form."""
    described = [({"field": field} if field else {}) | {"description": text} for field, text in problems]
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": described}
    return GoogleError(400, "\n".join(text for _, text in problems), details=[detail])


def error_info(reason: str, **metadata: str) -> JsonObject:
    """The detail that tells a program why it was refused."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "sheets.googleapis.com", **metadata},
    }


def not_implemented(what: str) -> GoogleError:
    """The refusal of something that the real service can do and the stand-in cannot: never to be mistaken."""
    return GoogleError(501, f"The Sheets sandbox does not implement {what}.")
