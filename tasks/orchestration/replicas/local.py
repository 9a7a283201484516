"""Replicas on this machine, and what a runner of replicas is; the other is a Ray cluster."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from stillhouse.recipe.engine import Engine
from stillhouse.runtime.machine import Machine
from tasks.orchestration.replicas.shard_task import GpuGroups, cancelled


@dataclass(frozen=True)
class ReplicaRunner:
    """A started task runner, and how its tasks are ended when the run is cancelled."""

    runner: TaskRunner[Any]
    cancel: Callable[[Sequence[PrefectFuture[Any]]], None]
    name: str
    num_gpus: int = 0  # that a replica has to itself; 0: it takes the whole machine
    gpu_groups: GpuGroups = ()  # of this machine, each for one replica at a time


@contextmanager
def this_machine(engine: Engine, machine: Machine) -> Iterator[ReplicaRunner]:
    """Yield this machine: as many replicas at once as it has groups of the engine's number of GPUs.

    Without several groups they run one after the other, since they share its device.
    """
    cancelled.clear()
    groups = gpu_groups(engine, machine)
    runner: TaskRunner[Any] = ThreadPoolTaskRunner(max_workers=max(1, len(groups)))
    at_once = f"{len(groups)} at once on the GPUs of" if groups else "one after the other on"
    with runner:
        yield ReplicaRunner(runner, _stop, f"{at_once} this machine", gpu_groups=groups)


def gpu_groups(engine: Engine, machine: Machine) -> GpuGroups:
    """Return the UUIDs of the machine's GPUs in groups of as many as the engine takes; none if there is one at most."""
    names, size = [gpu.uuid for gpu in machine.gpus], engine.num_gpus
    groups = tuple(tuple(names[start : start + size]) for start in range(0, len(names) - size + 1, size))
    return groups if len(groups) > 1 else ()


def _stop(futures: Sequence[PrefectFuture[Any]]) -> None:
    # what runs in a thread sees this and ends its worker; the runner drops what has not begun
    cancelled.set()
