"""The dead-man's switch: called over real HTTP, waited for no longer than its time, and never named in an error."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import pytest

from tasks import heartbeat
from tasks.errors import TransientError
from tests.fixtures.answers import answering


@contextmanager
def switch(status: int) -> Iterator[tuple[str, list[str]]]:
    """A server that answers so; its address, and the paths that were called."""
    with answering(status) as (address, calls):
        yield f"{address}/ping/secret-key", calls


@contextmanager
def dripping() -> Iterator[str]:
    """A server that answers a byte at a time, and is never done; its address."""
    done = Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not done.wait(0.05):
                connection.sendall(b".")

    def serve() -> None:
        with suppress(OSError):
            while True:
                Thread(target=drip, args=(server.accept()[0],)).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=serve).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/ping/secret-key"
        done.set()
        server.shutdown(socket.SHUT_RDWR)


def test_it_is_called_once() -> None:
    with switch(200) as (url, calls):
        assert heartbeat.call(url) == 200
    assert calls == ["/ping/secret-key"]


def test_a_switch_that_refuses_is_told_without_its_address() -> None:
    with switch(404) as (url, _), pytest.raises(TransientError, match="HEARTBEAT_URL answered 404") as caught:
        heartbeat.call(url)
    assert "secret-key" not in str(caught.value)


def test_a_switch_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert heartbeat.TIMEOUT_S == 10
    monkeypatch.setattr(heartbeat, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TransientError) as caught:
        heartbeat.call(f"http://127.0.0.1:{silent.getsockname()[1]}/ping/secret-key")
    assert "secret-key" not in str(caught.value)
    assert caught.value.__cause__ is None
