"""Refusals in the form in which Google's APIs put them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.sandbox.sheets.protocol.json_types import JsonObject

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
        """Give the answer's body: `{"error": {"code", "message", "status"}}`, with details where there are any."""
        error: JsonObject = {"code": self.code, "message": self.message, "status": self.word}
        if self.details:
            error["details"] = self.details
        return {"error": error}

    def within(self, place: str) -> "GoogleError":
        """Give the same refusal with its place in a batch before the message, as in `Invalid data[0]: …`."""
        return GoogleError(self.code, f"Invalid {place}: {self.message}", word=self.word, details=self.details)


class SandboxBugError(Exception):
    """The stand-in itself is at fault; the message says how. No test may pass after one of these."""


@dataclass(frozen=True)
class Violation:
    """One thing wrong with what was sent.

    Attributes:
        field: where, in the protocol's own spelling, such as `requests[0].add_sheet`; empty for the whole message.
        description: what, in Google's words.
    """

    field: str
    description: str


def invalid_argument(message: str) -> GoogleError:
    """Give the refusal of a request that can be read but not carried out."""
    return GoogleError(400, message)


def bad_request(violations: Sequence[Violation], message: str | None = None) -> GoogleError:
    """Give the refusal of a request that does not have the method's form.

    Args:
        violations: all that is wrong, at least one.
        message: the message where it is not the descriptions themselves.
    """
    described: list[JsonObject] = [
        {"field": one.field, "description": one.description} if one.field else {"description": one.description}
        for one in violations
    ]
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": described}
    return GoogleError(400, message or "\n".join(one.description for one in violations), details=[detail])


def not_found() -> GoogleError:
    """Give the refusal of a spreadsheet that does not exist."""
    return GoogleError(404, "Requested entity was not found.")


def permission_denied() -> GoogleError:
    """Give the refusal of a spreadsheet that is not shared with the caller."""
    return GoogleError(403, "The caller does not have permission")


def unauthenticated(message: str, reason: str) -> GoogleError:
    """Give the refusal of a caller who cannot be known.

    Args:
        message: what is wrong with the credential.
        reason: Google's word for it, such as `ACCESS_TOKEN_EXPIRED`.
    """
    return GoogleError(401, message, details=[error_info(reason)])


def error_info(reason: str, **metadata: str) -> JsonObject:
    """Give the detail that tells a program why it was refused."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "sheets.googleapis.com", **metadata},
    }


def not_implemented(what: str) -> GoogleError:
    """Give the refusal of something the real service can do and the stand-in cannot: never to be mistaken."""
    return GoogleError(501, f"The Sheets sandbox does not implement {what}.")
