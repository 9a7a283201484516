import asyncio
import time

import pytest

from stillhouse.artifacts.s3.retry import Patience


class Server:
    """Fails the next `failures` requests, then answers."""

    def __init__(self, failures: int, error: Exception | None = None):
        self.failures = failures
        self.requests = 0
        self.error = error or ConnectionResetError()

    async def request(self) -> str:
        self.requests += 1
        if self.requests <= self.failures:
            raise self.error
        return "answer"


def ask(patience: Patience, server: Server) -> str:
    return asyncio.run(patience(server.request))


def test_patience_passing_faults_are_retried() -> None:
    server = Server(3)
    assert ask(Patience(10, "it"), server) == "answer"
    assert server.requests == 4


def test_patience_permanent_fault_is_not_retried() -> None:
    server = Server(1, PermissionError())
    with pytest.raises(PermissionError):
        ask(Patience(10, "it"), server)
    assert server.requests == 1


def test_patience_used_up_next_request_does_not_wait() -> None:
    patience, server = Patience(1.0, "it"), Server(10**9)
    started = time.monotonic()
    with pytest.raises(ConnectionResetError):
        ask(patience, server)
    assert 0.3 < time.monotonic() - started < 1.2
    tried = server.requests
    with pytest.raises(ConnectionResetError):
        ask(patience, server)
    assert server.requests == tried + 1


def test_patience_success_restores_it() -> None:
    patience = Patience(0.5, "it")
    with pytest.raises(ConnectionResetError):
        ask(patience, Server(10**9))
    assert ask(patience, Server(0)) == "answer"
    server = Server(1)
    assert ask(patience, server) == "answer"
    assert server.requests == 2


def test_patience_old_fault_is_forgotten() -> None:
    patience = Patience(0.4, "it")
    with pytest.raises(ConnectionResetError):
        ask(patience, Server(10**9))
    time.sleep(0.5)
    assert ask(patience, Server(1)) == "answer"


def test_patience_one_failing_request_ends_although_others_succeed() -> None:
    patience, broken = Patience(0.6, "it"), Server(10**9)

    async def beside_others() -> None:
        async def others() -> None:
            while True:
                await patience(Server(0).request)
                await asyncio.sleep(0.01)

        task = asyncio.create_task(others())
        try:
            await patience(broken.request)
        finally:
            task.cancel()

    started = time.monotonic()
    with pytest.raises(ConnectionResetError):
        asyncio.run(beside_others())
    assert time.monotonic() - started < 1.0


def test_patience_zero_tries_once() -> None:
    server = Server(1)
    with pytest.raises(ConnectionResetError):
        ask(Patience(0, "it"), server)
    assert server.requests == 1
