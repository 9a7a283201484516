"""The peak memory of an engine's processes, sampled while it works.

Separate because it is read from the operating system, not from the engine. On a CPU it is the proportional set size
(PSS) of the engine's process tree; on a GPU the device memory the tree holds.
"""

import contextlib
import threading
from collections.abc import Iterator

import psutil

_INTERVAL_S = 0.5


class PeakMemory:
    """The largest sum seen so far, in bytes; 0 before the first sample."""

    def __init__(self) -> None:
        """Start at 0."""
        self.peak_bytes = 0


@contextlib.contextmanager
def sampled_peak(pids: list[int], *, on_cpu: bool) -> Iterator[PeakMemory]:
    """Sample the memory of `pids` and all their children twice a second while the block runs."""
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
    """Return the PSS of the processes and their children, in bytes; a process that has ended counts 0."""
    total = 0
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += int(psutil.Process(pid).memory_full_info().pss)
    return total


def device_memory(pids: list[int]) -> int:
    """Return the device memory that the processes hold on all NVIDIA GPUs, in bytes."""
    from vllm.third_party import pynvml

    pynvml.nvmlInit()
    held = 0
    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        running = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
        held += sum(process.usedGpuMemory or 0 for process in running if process.pid in pids)
    return held
