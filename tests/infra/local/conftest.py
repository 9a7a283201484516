from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.infra.machine import Machine
from tests.support.infra.webhook import Webhook


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Machine]:
    """A machine on which nothing runs yet."""
    machine = Machine(tmp_path / "machine")
    yield machine
    machine.down()


@pytest.fixture(scope="session")
def hook() -> Iterator[Webhook]:
    hook = Webhook()
    yield hook
    hook.server.shutdown()


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory, hook: Webhook) -> Iterator[Machine]:
    """A machine that is up, its notifications sent to `hook`; each test leaves it up."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    try:
        machine.up(STILLHOUSE_NOTIFY_WEBHOOK=hook.url)
        machine.deploy_held()
        yield machine
    finally:
        machine.down()
