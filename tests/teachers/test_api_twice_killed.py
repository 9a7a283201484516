"""An endpoint that fails a fifth of its requests, and a worker that is killed twice before it is done.

The server's own log is the witness: what it answered is what is stored, and what was in flight at the kills.
"""

import itertools
import random
import signal
import time
from pathlib import Path

import pytest

from stillhouse.errors import WorkerError
from tests.support.api.processes import end_once, work
from tests.support.api.requests import answers, stored
from tests.support.api.server import Act, FaultyServer, Received, answer, failure, serving

pytestmark = pytest.mark.slow  # processes and the loopback

NUM_ROWS = 240
CONCURRENCY = 8
HOW = {"concurrency": CONCURRENCY, "max_attempts": 8, "patience_s": 300.0, "timeout_s": 10.0, "segment_seconds": 0.3}
WELL = answer("billing")
FAULTS = {
    "429": failure(429, "slow down", {"retry-after": "1"}),
    "500": failure(500),
    "dropped": Act(drop=True),
    "truncated": Act(body=WELL.body, cut=40),
    "wrong JSON": Act(body=b'{"choices": [{"message": "billing"}]}'),
    "half JSON": Act(body=WELL.body[:60]),
    "slow": Act(body=WELL.body, delay_s=60.0),  # its first byte comes long after timeout_s
}
# each slow one takes all of timeout_s
WEIGHTS = [2, 4, 4, 4, 4, 4, 1]


class Log:
    """What the endpoint decided for each request, in the order they came."""

    def __init__(self) -> None:
        self.decisions: list[tuple[str, str]] = []  # prompt, and "well" or the fault
        self._random = random.Random(20)

    def plan(self, received: Received) -> Act:
        name = self._random.choices(list(FAULTS), WEIGHTS)[0] if self._random.random() < 0.2 else "well"
        self.decisions.append((received.prompt, name))
        return FAULTS[name] if name in FAULTS else Act(body=WELL.body, delay_s=0.05)


def killed_run(folder: Path, server: FaultyServer, at: int) -> int:
    """Run the worker until `at` answers are stored, kill it, and return how many requests the server has had."""
    end_once(lambda: len(stored(folder)) >= at, signal.SIGKILL)
    with pytest.raises(WorkerError, match="before it reported `done`"):
        work(folder, server.address, NUM_ROWS, **HOW)
    # what the dead had sent is read first
    time.sleep(0.5)
    return len(server.requests)


def test_worker_killed_twice_buys_no_stored_completion_again(tmp_path):
    log = Log()
    keys: list[set[str]] = []
    with serving(log.plan) as server:
        marks = [0]
        for at in (NUM_ROWS // 4, NUM_ROWS // 2):
            marks.append(killed_run(tmp_path, server, at))
            keys.append({line["key"] for line in stored(tmp_path)})
        summary = work(tmp_path, server.address, NUM_ROWS, **HOW)
        marks.append(len(server.requests))
    table = answers(tmp_path)
    assert len(table) == NUM_ROWS
    assert {line["text"] for line in table.values()} == {"billing"}
    kept = [line["key"] for line in stored(tmp_path)]
    assert len(kept) == len(set(kept)) == NUM_ROWS

    # row r7 asks "message 7"
    prompt_of = {line["key"]: f"message {name.removeprefix('r')}" for name, line in table.items()}
    runs = [log.decisions[start:end] for start, end in itertools.pairwise(marks)]
    for number, had in enumerate(keys, start=1):
        assert not {prompt_of[key] for key in had} & {prompt for run in runs[number:] for prompt, _ in run}
    well = [[prompt for prompt, name in run if name == "well"] for run in runs]
    assert all(len(run) == len(set(run)) for run in well)
    # what came is on disk, so that only answers under way are lost with a worker, at each of two kills
    assert 0 <= sum(len(run) for run in well) - NUM_ROWS <= 2 * CONCURRENCY
    # the last run's own count is the server's: its answers and its failed tries, and nothing else
    lost = sum(name != "well" for _, name in runs[2])
    assert summary["from_store"] >= len(keys[1])
    assert summary["from_store"] + summary["generated"] == NUM_ROWS
    assert summary["sent"] == len(runs[2]) == summary["generated"] + lost
