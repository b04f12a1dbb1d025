"""Ports for servers that take a while to start."""

import random
import socket
from typing import Final

BELOW_EPHEMERAL: Final = range(16_000, 32_000)
"""The system gives none of these to an outgoing connection: one that it picks itself may be in use, until the server is
there, as the near end of any connection of the tests beside."""


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    while True:
        port = random.choice(BELOW_EPHEMERAL)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
