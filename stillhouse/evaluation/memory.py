"""A model's memory: its weights, and the peak of its engine's processes, sampled while it works.

The peak is read from the operating system. On a CPU it is the proportional set size (PSS) of the engine's process; on a
GPU the device memory that the process and its children hold. Reading weights loads only safetensors headers, without
torch.
"""

import contextlib
import math
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
from safetensors import safe_open

DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_INTERVAL_S = 0.5


def count_parameters(folder: Path) -> int:
    """Return the number of parameters in a folder's *.safetensors; a tied output layer is stored, and counted, once."""
    total = 0
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="np") as tensors:
            total += sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    return total


def weight_bytes(parameters: int, dtype: str) -> int | None:
    """Return the bytes of the loaded parameters, or None if the engine chooses the number type."""
    return parameters * DTYPE_BYTES[dtype] if dtype in DTYPE_BYTES else None


class PeakMemory:
    """The largest sample so far, in bytes; 0 before the first."""

    def __init__(self) -> None:
        """Start at 0."""
        self.peak_bytes = 0


@contextlib.contextmanager
def sampled_peak(pids: list[int], *, on_cpu: bool) -> Iterator[PeakMemory]:
    """Sample the memory of `pids` twice a second while the block runs."""
    peak, stop = PeakMemory(), threading.Event()
    measure = process_tree_pss if on_cpu else device_memory

    def sample() -> None:
        while True:
            peak.peak_bytes = max(peak.peak_bytes, measure(pids))
            if stop.wait(_INTERVAL_S):
                return

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()
        peak.peak_bytes = max(peak.peak_bytes, measure(pids))


def process_tree_pss(pids: list[int]) -> int:
    """Return the PSS of the processes, in bytes; one that has ended counts 0."""
    total = 0
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += int(psutil.Process(pid).memory_full_info().pss)
    return total


def device_memory(pids: list[int]) -> int:
    """Return the device memory that the processes and their children hold on all NVIDIA GPUs, in bytes.

    An engine over several GPUs has a process for each, and holds nothing itself.
    """
    from vllm.third_party import pynvml

    pynvml.nvmlInit()
    total, holders = 0, _with_children(pids)
    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        running = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
        total += sum(process.usedGpuMemory or 0 for process in running if process.pid in holders)
    return total


def _with_children(pids: list[int]) -> set[int]:
    found = set(pids)
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {child.pid for child in psutil.Process(pid).children(recursive=True)}
    return found
