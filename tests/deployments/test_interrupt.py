"""Which server a command uses, and what Ctrl-C does: an end at once beside a temporary server, Prefect's own else."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # Prefect takes seconds to load


@dataclass
class Started:
    url: str = "http://127.0.0.1:4998/api"
    login: str = "user:secret"
    is_stopped: bool = False

    def stop(self) -> None:
        self.is_stopped = True

    def wait(self, timeout_s: float) -> None:
        assert timeout_s > 0


@pytest.fixture(autouse=True)
def _own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    Path(os.environ["PREFECT_HOME"]).mkdir(parents=True)
    for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING"):
        monkeypatch.setenv(name, "")  # so that it is as before afterwards
        monkeypatch.delenv(name)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("url", "is_used"), [(None, True), ("http://127.0.0.1:4999/api", False)])
def test_temporary_server_is_used_only_without_one_of_prefects_settings(url: str | None, is_used: bool) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from deployments.foreground import _use

    before, server = signal.getsignal(signal.SIGINT), Started()
    # as a profile says it: the environment has none
    with temporary_settings({PREFECT_API_URL: url}):
        assert _use(server) is is_used  # type: ignore[arg-type]
    assert server.is_stopped is not is_used
    assert (os.environ.get("PREFECT_API_URL") == server.url) is is_used
    assert (signal.getsignal(signal.SIGINT) is not before) is is_used


def test_run_on_a_temporary_server_sends_no_heartbeats() -> None:
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, get_current_settings, temporary_settings
    from prefect.states import Completed

    from deployments.foreground import Foreground
    from stillhouse.runtime.settings import load_settings

    def flow(*, return_state: bool) -> object:
        return Completed(data={"seconds": get_current_settings().flows.heartbeat_frequency})

    foreground = Foreground(load_settings(), Started())  # type: ignore[arg-type]
    # as the command sets it for servers of the user's own
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: 30}):
        assert foreground.run(flow) == {"seconds": None}
