"""When something goes wrong: which requests a fault strikes. What then happens is the matter of its kind."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Protocol

from tests.sandbox.grader.exchange import Exchange


class FaultKind(Protocol):
    """One way of answering badly; `fault_kinds` has them."""

    def respond(self, exchange: Exchange) -> None:
        """Answer the request in this way."""
        ...


@dataclass
class Fault:
    """A fault that is switched on, for well-formed requests with the right key.

    Attributes:
        kind: what happens to a request that is struck.
        times: how many requests it strikes before it is over; None for as long as the sandbox lives.
        when: takes the start of a request's window (UTC) and says whether it may be struck; None for any.
        probability: share of the matching requests that are struck, 0 to 1, drawn by a generator of its own.
        seed: seed of that generator: the same seed strikes the same requests, if they come in the same order.
        struck: how many requests it has struck so far.
    """

    kind: FaultKind
    times: int | None = 1
    when: Callable[[datetime], bool] | None = None
    probability: float = 1.0
    seed: str = "fault"
    struck: int = field(default=0, init=False)
    _random: random.Random = field(init=False, repr=False, compare=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def strikes(self, start: datetime) -> bool:
        """Decide on one request, and count it if it is struck.

        Args:
            start: start of the request's window, UTC.
        """
        with self._lock:
            if self.times is not None and self.struck >= self.times:
                return False
            if self.when is not None and not self.when(start):
                return False
            if self._random.random() >= self.probability:
                return False
            self.struck += 1
            return True
