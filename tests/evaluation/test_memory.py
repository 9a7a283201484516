"""Whose device memory is a model's."""

import os
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest

from stillhouse.evaluation.memory import device_memory


@pytest.fixture
def child() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.kill()


def test_device_memory_counts_the_processes_of_each_gpu(child: int, monkeypatch: pytest.MonkeyPatch):
    # the engine's own process holds nothing, its child on each GPU does, and so does a stranger
    holders = [[(child, 300), (1, 5000)], [(child, 200), (os.getpid(), 10)]]
    nvml = ModuleType("pynvml")
    vars(nvml).update(
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: len(holders),
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetComputeRunningProcesses=lambda index: [
            SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in holders[index]
        ],
    )
    for name in ("vllm", "vllm.third_party"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    vars(sys.modules["vllm.third_party"]).update(pynvml=nvml)
    assert device_memory([os.getpid()]) == 510
