"""The errors that the pipeline raises on purpose.

Each message is one line that tells a person what was wrong and what to do, and never holds a secret. Whether a retry
can help is a matter of the class, so that the rule stands in one place: `TransientError` may pass by itself,
`PermanentError` will not (asking again for what is forbidden only hides the fault and burdens the service).
"""

from typing import Any

from schemas.summary import Stage


class CodegraderError(Exception):
    """Base of every error that is explained by its message alone and needs no traceback.

    Attributes:
        stage: the step that it came from, where the step has noted it.
    """

    stage: Stage | None = None


class TransientError(CodegraderError):
    """A fault that may pass: a timeout, a reset, 408, 429, 5xx, a truncated body.

    Attributes:
        retry_after: seconds the service asked us to wait, or None where it did not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class DatabaseUnavailableError(TransientError):
    """The database could not be reached, or it took too long; its retry need not ask the API again."""


class PermanentError(CodegraderError):
    """A fault that no retry mends: wrong credentials, a missing sheet, an answer that is not what was agreed."""


class MaybeSentError(PermanentError):
    """A mail that has left, at least to some of its readers, or may have: it is not to be sent again."""


class InvalidInputError(PermanentError):
    """A parameter or a setting that cannot be used; nothing was done yet."""


class ArgumentError(InvalidInputError):
    """What was asked of a run cannot be done, whoever runs it: a date in the future, a share above 1."""


def is_caused_by(error: BaseException, *kinds: type[BaseException]) -> bool:
    """Whether one of these is behind an error: the libraries wrap each other's and the system's, each in its way."""
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, kinds):
            return True
        if isinstance(one, BaseException):
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return False
