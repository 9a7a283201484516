"""What Ctrl-C does in a command: an end at once beside a temporary server, Prefect's own beside one of the user's."""

import signal
from collections.abc import Iterator

import pytest

pytestmark = pytest.mark.slow  # Prefect takes seconds to load


@pytest.fixture(autouse=True)
def _own_handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("url", "is_replaced"), [(None, True), ("http://127.0.0.1:4999/api", False)])
def test_interrupt_ends_at_once_only_without_a_server_of_prefects_settings(url, is_replaced, monkeypatch):
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from deployments.foreground import _end_at_once_on_interrupt

    # as a profile says it: the environment has none
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    before = signal.getsignal(signal.SIGINT)
    with temporary_settings({PREFECT_API_URL: url}):
        _end_at_once_on_interrupt()
    assert (signal.getsignal(signal.SIGINT) is not before) is is_replaced
