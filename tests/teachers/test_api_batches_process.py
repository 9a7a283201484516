"""Batches over the loopback, with the worker as a process: what a kill leaves, and what the next run submits."""

import signal
from pathlib import Path
from typing import Any

import pytest

from stillhouse.errors import WorkerError
from tests.support.api.batch_server import BatchServer, serving_batches
from tests.support.api.processes import end_once, work
from tests.support.api.requests import answers, stored

pytestmark = pytest.mark.slow  # processes and the loopback

NUM_ROWS = 12
NEVER = 10**9


def run(folder: Path, server: BatchServer, said: list[Any] | None = None) -> dict[str, Any]:
    how = {"execution": "batch", "batch": {"max_requests": 4, "poll_s": 0.05}}
    return work(folder, server.address, NUM_ROWS, (said if said is not None else []).append, **how)


def is_whole(folder: Path, server: BatchServer) -> bool:
    """Every row is answered, and every prompt was bought once in all runs together."""
    return (
        len(answers(folder)) == len(stored(folder)) == len(server.bought) == NUM_ROWS
        and set(server.bought.values()) == {1}
        and len(server.batches) == server.calls.count("create") == 3
    )


def test_kill_during_a_submission_loses_no_batch_and_buys_none_twice(tmp_path):
    with serving_batches() as server:
        # the second batch is made, and the answer that says so is still on its way
        server.delay_s = lambda call: 60.0 if call == "create" and len(server.batches) == 2 else 0.0
        end_once(lambda: len(server.batches) == 2, signal.SIGKILL)
        with pytest.raises(WorkerError):
            run(tmp_path, server)
        server.delay_s = lambda call: 0.0
        summary = run(tmp_path, server)
        assert summary["sent"] == 4
        assert "list" in server.calls
        assert is_whole(tmp_path, server)


def test_kill_while_batches_run_leaves_them_to_the_next_run(tmp_path):
    with serving_batches() as server:
        server.looks_until_end = NEVER
        end_once(lambda: server.calls.count("state") >= 6, signal.SIGKILL)
        with pytest.raises(WorkerError):
            run(tmp_path, server)
        server.looks_until_end = 1
        assert run(tmp_path, server)["sent"] == 0
        assert is_whole(tmp_path, server)


def test_kill_while_results_are_fetched_leaves_the_rest_to_the_next_run(tmp_path):
    with serving_batches() as server:
        server.delay_s = lambda call: 60.0 if call == "content" and server.calls.count("content") == 2 else 0.0
        end_once(lambda: server.calls.count("content") == 2, signal.SIGKILL)
        with pytest.raises(WorkerError):
            run(tmp_path, server)
        assert len(stored(tmp_path)) == 4
        server.delay_s = lambda call: 0.0
        summary = run(tmp_path, server)
        assert (summary["from_store"], summary["sent"], summary["generated"]) == (4, 0, 8)
        assert is_whole(tmp_path, server)


def test_worker_with_sigterm_leaves_its_batches_and_logs_it(tmp_path):
    said: list[Any] = []
    with serving_batches() as server:
        server.looks_until_end = NEVER
        end_once(lambda: server.calls.count("state") >= 6, signal.SIGTERM)
        with pytest.raises(WorkerError, match="ended by a signal"):
            run(tmp_path, server, said)
        assert any("3 batches go on, since they are paid for" in str(event) for event in said)
        server.looks_until_end = 1
        assert run(tmp_path, server)["sent"] == 0
        assert is_whole(tmp_path, server)
