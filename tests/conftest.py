import gc
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import pytest_socket

# the choice of pyproject.toml, and of make test
FAST_TIER = "not slow and not long"
SLOW_TIER = "slow and not long"
MOST_ENGINES = 4  # at once, each with servers and gigabytes of its own


def pytest_configure(config: pytest.Config) -> None:
    # set before Prefect is imported: it reads them then, and must neither phone home nor touch this user's profile
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    os.environ["DO_NOT_TRACK"] = "1"
    # the hub's library reads it on import too
    os.environ["HF_HUB_OFFLINE"] = "1"
    # what tests call outside a flow may log
    os.environ["PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW"] = "ignore"
    if config.option.markexpr == FAST_TIER:
        # on data this small, threads of linear algebra only wait for each other; engines in slow tests need them
        os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    if config.option.markexpr == SLOW_TIER:
        _keep_to_own_cores()
    # a busy machine, or a first example that imports a library, is no failed property; the test's own minute holds
    hypothesis.settings.register_profile("any machine", deadline=None)
    hypothesis.settings.load_profile("any machine")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A worker per core for a whole tier, of the slow one at most four; none for a few files."""
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS:
        return 0
    cores = len(os.sched_getaffinity(0))
    return {FAST_TIER: cores, SLOW_TIER: min(cores, MOST_ENGINES)}.get(config.option.markexpr, 0)


def _keep_to_own_cores() -> None:
    """Give each worker its share of the cores: the engines that it starts then have as many threads, and none waits."""
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER"), os.environ.get("PYTEST_XDIST_WORKER_COUNT")
    if worker and workers:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[int(worker.removeprefix("gw")) :: int(workers)])


def is_slow(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("slow", "long"))


def pytest_collection() -> None:
    # the modules stay until the end: walking through what they made, again and again, takes a tenth of the time
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The minute of pyproject.toml is for the fast tier; what starts servers or engines has ten."""
    for item in items:
        if is_slow(item) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine is read or written: no store, model hub, Prefect home or cloud account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    places = tmp_path / "places"
    monkeypatch.setenv("STILLHOUSE_STORE", str(places / "store"))
    monkeypatch.setenv("STILLHOUSE_WORK", str(places / "work"))
    monkeypatch.setenv("PREFECT_HOME", str(places / "prefect"))
    monkeypatch.setenv("HF_HOME", str(places / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(autouse=True)
def _sockets(request: pytest.FixtureRequest) -> None:
    """Block the network: all of it in fast tests, all but the loopback in slow ones."""
    if is_slow(request.node):
        pytest_socket.enable_socket()
        pytest_socket.socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)
    else:
        pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """One Prefect server with a database of its own, for all tests that run tasks or flows; yields its URL."""
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    # the heartbeat's thread would cost a second a flow
    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        yield str(PREFECT_API_URL.value())
