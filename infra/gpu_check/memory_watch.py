"""The peak of the device memory in use on this machine's GPUs, sampled while a step runs."""

import subprocess
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

_QUERY = ("nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits")


def used_bytes() -> int:
    """Return the device memory in use on all GPUs, whoever uses it; 0 if the driver does not say."""
    try:
        asked = subprocess.run(_QUERY, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(int(line) for line in asked.stdout.split() if line.isdigit()) * 2**20


class MemoryWatch:
    """A context that samples twice a second; nobody else should use the GPUs meanwhile."""

    def __init__(self, ask: Callable[[], int] = used_bytes, every_s: float = 0.5) -> None:
        """Begin with the memory that is in use now."""
        self._ask, self._every_s = ask, every_s
        self._before = self._peak = ask()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        """Begin to sample."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop sampling."""
        self._ended.set()
        self._thread.join()

    @property
    def peak_bytes(self) -> int:
        """The most so far, above what was in use at the beginning."""
        return self._peak - self._before

    def _sample(self) -> None:
        while not self._ended.wait(self._every_s):
            self._peak = max(self._peak, self._ask())
