"""How many replicas the GPUs of one machine take at once."""

import pytest

from stillhouse.recipe.engine import Engine
from stillhouse.runtime.machine import Gpu, Machine
from tasks.orchestration.replicas.local import gpu_groups, this_machine


def machine(count: int) -> Machine:
    gpus = (Gpu(index=str(n), uuid=f"GPU-{n}", name="of a test", memory_bytes=1) for n in range(count))
    return Machine(gpus=tuple(gpus), memory_bytes=1)


@pytest.mark.parametrize(
    ("gpus", "engine", "expected"),
    [
        (0, {}, ()),
        (1, {}, ()),  # one group is the whole machine
        (2, {}, (("GPU-0",), ("GPU-1",))),
        (5, {"tensor_parallel": 2}, (("GPU-0", "GPU-1"), ("GPU-2", "GPU-3"))),
        (8, {"tensor_parallel": 2, "pipeline_parallel": 4}, ()),
        (4, {"tensor_parallel": 8}, ()),
    ],
)
def test_gpu_groups_are_of_as_many_gpus_as_an_engine_takes(gpus, engine, expected):
    assert gpu_groups(Engine(**engine), machine(gpus)) == expected


@pytest.mark.parametrize(("gpus", "expected"), [(1, "one after the other on"), (4, "4 at once on the GPUs of")])
def test_this_machine_says_how_replicas_run(gpus, expected):
    with this_machine(Engine(), machine(gpus)) as replicas:
        assert replicas.name == f"{expected} this machine"
        assert len(replicas.gpu_groups) == (gpus if gpus > 1 else 0)
