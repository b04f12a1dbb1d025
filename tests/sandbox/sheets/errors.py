"""Refusals in the form in which Google's APIs put them."""

from tests.sandbox.sheets.json_types import JsonObject

# The word that Google sends beside an HTTP status.
STATUS_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
}


class GoogleError(Exception):
    """A request that the service refuses.

    Attributes:
        code: the HTTP status.
        message: what is wrong, in Google's words.
        word: the status in capitals, such as `NOT_FOUND`.
    """

    def __init__(self, code: int, message: str, *, word: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.word = word or STATUS_WORDS.get(code, "UNKNOWN")

    def body(self) -> JsonObject:
        """The answer's body."""
        return {"error": {"code": self.code, "message": self.message, "status": self.word}}

    def within(self, place: str) -> "GoogleError":
        """The same refusal with its place in a batch before the message, as in `Invalid data[0]: …`."""
        return GoogleError(self.code, f"Invalid {place}: {self.message}", word=self.word)


class SandboxBugError(Exception):
    """The stand-in itself is at fault; no test may pass after one of these."""


def invalid_argument(message: str) -> GoogleError:
    """The refusal of a request that can be read but not carried out."""
    return GoogleError(400, message)


def not_implemented(what: str) -> GoogleError:
    """The refusal of something that the real service can do and the stand-in cannot: never to be mistaken."""
    return GoogleError(501, f"The Sheets sandbox does not implement {what}.")
