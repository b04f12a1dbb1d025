"""Refusals by configuration: what the stand-in answers instead of, or after, doing what it was asked."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from tests.sandbox.sheets.errors import GoogleError

MESSAGES = {
    403: "The caller does not have permission",
    404: "Requested entity was not found.",
    429: "Quota exceeded for quota metric '{metric}' and limit '{metric} per minute per user' of service "
    "'sheets.googleapis.com' for consumer 'project_number:105104105106'.",
    500: "Internal error encountered.",
    503: "The service is currently unavailable.",
}


@dataclass
class SheetsFault:
    """One refusal, for the requests that it fits; a further kind of fault overrides `fits` or `refuse`.

    Attributes:
        status: the HTTP status to answer.
        message: the error's message; Google's usual one for the status by default.
        times: to how many requests; None for all of them.
        path_contains: a part of the decoded path, such as `:batchClear` or `/token`.
        after_effect: do what is asked first and only then answer the error.
        spare: so many fitting requests are let through first.
    """

    status: int = 500
    message: str | None = None
    times: int | None = 1
    path_contains: str = ""
    after_effect: bool = False
    spare: int = 0

    def fits(self, method: str, path: str) -> bool:  # noqa: ARG002
        """Whether a request is to be refused, which is then counted; its path is decoded and without the query."""
        if self.times == 0 or self.path_contains not in path:
            return False
        self.spare -= 1
        if self.spare >= 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def refuse(self, method: str) -> NoReturn:
        """Refuses a request, whose HTTP method decides whose quota is used up."""
        metric = "Read requests" if method == "GET" else "Write requests"
        message = self.message or MESSAGES.get(self.status, "Request failed.").format(metric=metric)
        raise GoogleError(self.status, message)


@dataclass
class QuotaUsedUp(SheetsFault):
    """Refuses everything with 429 until the minute is over in which too much was asked for, by this clock."""

    status: int = 429
    times: int | None = None
    until: float = 0.0
    clock: Callable[[], float] = time.monotonic

    def fits(self, method: str, path: str) -> bool:
        """Whether the minute is not over yet, and the request counts."""
        return self.clock() < self.until and super().fits(method, path)


@dataclass
class ConnectionLost(SheetsFault):
    """Answers nothing: the connection ends, before or after what was asked for is done."""

    def refuse(self, method: str) -> NoReturn:  # noqa: ARG002
        """Breaks the connection off; the server knows what to do then."""
        raise ConnectionAbortedError
