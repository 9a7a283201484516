"""The worker as a process of its own, over the loopback: what a kill leaves, and what the next one asks."""

import signal
from typing import Any

import pytest

from stillhouse.errors import ServiceError, WorkerError
from tests.support.api.processes import end_once, work
from tests.support.api.requests import KEY, answers, stored
from tests.support.api.server import Act, Received, answer, failure, serving

pytestmark = pytest.mark.slow  # processes and the loopback

NUM_ROWS = 60


def slowly(_: Received) -> Act:
    return Act(body=answer("billing").body, delay_s=0.1)


@pytest.mark.pitfall("kill")
def test_killed_worker_loses_only_what_was_not_yet_stored(tmp_path):
    with serving(slowly) as server:
        end_once(lambda: len(stored(tmp_path)) >= 20, signal.SIGKILL)
        with pytest.raises(WorkerError):
            work(tmp_path, server.address, NUM_ROWS)
        kept, sent = len(stored(tmp_path)), len(server.requests)
        assert 20 <= kept < NUM_ROWS
        summary = work(tmp_path, server.address, NUM_ROWS)
        # what had come and was not stored yet was on disk
        assert summary["from_store"] >= kept
        assert len(server.requests) - sent == summary["sent"] == NUM_ROWS - summary["from_store"]
    assert {line["text"] for line in answers(tmp_path).values()} == {"billing"}


def test_worker_with_sigterm_stores_what_has_come(tmp_path):
    with serving(slowly) as server:
        end_once(lambda: len(server.requests) >= 20, signal.SIGTERM)
        with pytest.raises(WorkerError, match="ended by a signal"):
            work(tmp_path, server.address, NUM_ROWS)
        # four were in flight
        assert len(stored(tmp_path)) >= len(server.requests) - 4


def test_error_of_the_endpoint_reaches_the_run_as_one_line_without_the_key(tmp_path):
    said: list[Any] = []
    with (
        serving(lambda _: failure(401, f"no such key: {KEY}")) as server,
        pytest.raises(ServiceError, match="set that variable to a valid key") as caught,
    ):
        work(tmp_path, server.address, NUM_ROWS, said.append)
    assert KEY not in str(caught.value)
    assert KEY not in str(said)
    assert "\n" not in str(caught.value)


def test_endpoint_that_is_unreachable_may_be_retried(tmp_path):
    with serving(slowly) as server:
        gone = server.address
    with pytest.raises(ServiceError, match="can't be reached") as caught:
        work(tmp_path, gone, NUM_ROWS)
    assert caught.value.can_pass
