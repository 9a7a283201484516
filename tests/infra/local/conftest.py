from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.infra.services import LocalServices
from tests.support.infra.webhook import Webhook


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[LocalServices]:
    """Services of which none runs yet."""
    services = LocalServices(tmp_path / "services")
    yield services
    services.down()


@pytest.fixture(scope="session")
def hook() -> Iterator[Webhook]:
    hook = Webhook()
    yield hook
    hook.server.shutdown()


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory, hook: Webhook) -> Iterator[LocalServices]:
    """Services that are up, their notifications sent to `hook`; each test leaves them up."""
    services = LocalServices(tmp_path_factory.mktemp("services"))
    try:
        services.up(STILLHOUSE_NOTIFY_WEBHOOK=hook.url)
        services.prefect.deploy_held()
        yield services
    finally:
        services.down()
