"""Replicas on this machine, and what a runner of replicas is; the other is a Ray cluster."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from tasks.orchestration.replicas.shard_task import cancelled


@dataclass(frozen=True)
class ReplicaRunner:
    """A started task runner, and how its tasks are ended when the run is cancelled."""

    runner: TaskRunner[Any]
    cancel: Callable[[Sequence[PrefectFuture[Any]]], None]
    name: str
    num_gpus: int = 0  # that a replica has to itself; 0: it takes the whole machine


@contextmanager
def this_machine() -> Iterator[ReplicaRunner]:
    """Yield this machine: one replica after the other, since they share its device."""
    cancelled.clear()
    runner: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=1)
    with runner:
        yield ReplicaRunner(runner, _stop, "one after the other on this machine")


def _stop(futures: Sequence[PrefectFuture[Any]]) -> None:
    # what runs in a thread sees this and ends its worker; the runner drops what has not begun
    cancelled.set()
