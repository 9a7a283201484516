"""A training that this machine or its engine environment can't do is refused before any work."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stillhouse.errors import RecipeError
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.machine import Gpu, Machine
from tasks.orchestration import training_check, training_of
from tasks.orchestration.training_check import check_training
from tests.support.builders import make_recipe_fields


@pytest.fixture
def num_gpus(monkeypatch: pytest.MonkeyPatch) -> Any:
    def num_gpus(number: int) -> None:
        gpus = tuple(Gpu(index=str(i), uuid=f"GPU-{i}", name="of a test", memory_bytes=2**30) for i in range(number))
        for module in (training_of, training_check):
            monkeypatch.setattr(module, "engine_machine", lambda _: Machine(gpus=gpus, memory_bytes=2**30))

    return num_gpus


def check(folder: Path, training: dict[str, Any]) -> None:
    recipe: Any = parse_recipe(make_recipe_fields(training=training))
    settings: Any = SimpleNamespace(engine_python=folder / "bin" / "python")
    check_training(recipe, settings)


def install(folder: Path, package: str) -> None:
    (folder / "lib" / "python3.12" / "site-packages" / f"{package}-1.0.dist-info").mkdir(parents=True)


@pytest.mark.parametrize(
    ("training", "package", "instead"),
    [
        ({"method": "qlora"}, "bitsandbytes", "method: lora"),
        ({"optimizer": "paged_adamw_8bit"}, "bitsandbytes", "optimizer: adamw"),
        ({"execution": {"kernels": "liger"}}, "liger_kernel", "kernels: torch"),
        ({"execution": {"sharding": "deepspeed", "processes": 2}}, "deepspeed", "sharding: none"),
    ],
)
def test_training_that_needs_a_gpu_and_a_package_is_refused_without(tmp_path, num_gpus, training, package, instead):
    num_gpus(0)
    with pytest.raises(RecipeError, match=f"needs an NVIDIA GPU.*Or set {instead}"):
        check(tmp_path, training)
    num_gpus(2)
    name = package.replace("_", "-")
    with pytest.raises(RecipeError, match=f"needs the package {name}, .*pip install {name}`"):
        check(tmp_path, training)
    install(tmp_path, package)
    check(tmp_path, training)


def test_training_on_the_cpu_of_a_gpu_machine_has_no_gpu_for_qlora_and_needs_none_for_lora(tmp_path, num_gpus):
    num_gpus(1)
    install(tmp_path, "bitsandbytes")
    check(tmp_path, {"method": "lora", "execution": {"device": "cpu"}})
    with pytest.raises(RecipeError, match=r"training\.method: qlora needs an NVIDIA GPU"):
        check(tmp_path, {"method": "qlora", "execution": {"device": "cpu"}})


def test_training_by_more_processes_than_gpus_is_refused(tmp_path, num_gpus):
    num_gpus(2)
    check(tmp_path, {"execution": {"processes": 2}})
    with pytest.raises(RecipeError, match=r"processes: 4 need a GPU each, and here are 2"):
        check(tmp_path, {"execution": {"processes": 4}})
    num_gpus(0)
    check(tmp_path, {"execution": {"processes": 4}})
