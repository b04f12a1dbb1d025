"""The faults: what goes wrong outside, what the pipeline promises then, and the tests that show it.

A test says which fault it is about with the mark `fault`; `docs/reliability.md` is written from these marks.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, get_args

import pytest

Area = Literal[
    "grader API",
    "records",
    "database",
    "Google Sheet",
    "report",
    "mail",
    "killed processes",
    "concurrency",
    "soak",
    "secrets",
]
AREAS: Final[tuple[Area, ...]] = get_args(Area)


def fault(area: Area, what: str, promise: str) -> pytest.MarkDecorator:
    """Marks a test, or one of its parameters, as the one that shows what comes of a fault.

    Args:
        area: where it happens.
        what: the fault, in a few words, such as `the connection is reset`.
        promise: what the pipeline does then, such as `asked again, up to five times; nothing is lost`.
    """
    return pytest.mark.fault(area, what, promise)


def faults(area: Area, promise: str, named: Mapping[str, Iterable[Any]] | Sequence[str]) -> list[Any]:
    """Several faults as the parameters of one test: the values that belong to each name, or the names themselves."""
    known = named if isinstance(named, Mapping) else {what: [what] for what in named}
    return [pytest.param(*values, id=what, marks=fault(area, what, promise)) for what, values in known.items()]
