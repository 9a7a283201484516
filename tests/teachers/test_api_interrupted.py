"""Ctrl-C and SIGTERM at any moment: what the endpoint answered is stored, and nothing is asked twice."""

import random
import signal
import threading
from pathlib import Path

import pytest

from stillhouse.errors import WorkerError
from stillhouse.runtime import process
from tests.support.api.processes import end_once, work
from tests.support.api.requests import stored
from tests.support.api.server import Act, Received, answer, serving

pytestmark = pytest.mark.slow  # processes and the loopback

ROWS = 60
ONCE_EACH = sorted(f"message {n}" for n in range(ROWS))


def slowly(received: Received) -> Act:
    return Act(body=answer("billing").body, delay_s=0.05 * (1 + received.number % 4))


def interrupt(folder: Path, after: int, how: str) -> tuple[int, int, list[str]]:
    """End a generation once the endpoint got `after` requests, and run it again.

    Return how many answers were stored and sent at the interrupt, and all prompts that were sent by the end.
    """
    with serving(slowly) as server:
        if how == "Ctrl-C":  # what the terminal's handler does
            watch = threading.Thread(target=_end_workers_once, args=(server, after), daemon=True)
            watch.start()
        else:
            watch = end_once(lambda: len(server.requests) >= after, signal.SIGTERM)
        with pytest.raises(WorkerError, match="ended by a signal"):
            work(folder, server.address, ROWS, segment_seconds=3.0)
        watch.join()
        num_stored, num_sent = len(stored(folder)), len(server.requests)
        work(folder, server.address, ROWS)
        return num_stored, num_sent, sorted(request.prompt for request in server.requests)


def _end_workers_once(server: object, after: int) -> None:
    requests = server.requests  # type: ignore[attr-defined]
    while len(requests) < after:
        threading.Event().wait(0.01)
    process.end_workers()


@pytest.mark.parametrize(("after", "how"), [(7, "Ctrl-C"), (23, "SIGTERM")])
def test_interrupt_stores_all_that_was_answered(tmp_path: Path, after: int, how: str):
    num_stored, num_sent, prompts = interrupt(tmp_path, after, how)
    assert num_stored == num_sent >= after
    assert prompts == ONCE_EACH


@pytest.mark.long
def test_interrupts_at_20_random_moments_store_all_that_was_answered(tmp_path: Path):
    moments = random.Random(7)
    for number in range(20):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        after = moments.randint(1, ROWS - 8)
        num_stored, num_sent, prompts = interrupt(folder, after, moments.choice(["Ctrl-C", "SIGTERM"]))
        assert num_stored == num_sent >= after
        assert prompts == ONCE_EACH


@pytest.mark.pitfall("kill")
def test_killed_worker_leaves_what_came_on_disk_for_the_next_run(tmp_path: Path):
    with serving(slowly) as server:
        end_once(lambda: len(server.requests) >= 30, signal.SIGKILL)
        with pytest.raises(WorkerError):
            work(tmp_path, server.address, ROWS, segment_seconds=9.0)
        assert stored(tmp_path) == []
        sent = len(server.requests)
        work(tmp_path, server.address, ROWS)
        # four were in flight
        assert len(server.requests) - sent <= ROWS - (sent - 4)
        assert len({line["key"] for line in stored(tmp_path)}) == ROWS
