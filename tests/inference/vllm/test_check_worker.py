"""What vLLM says of the settings of an engine before work starts; the slow test asks the real one."""

import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stillhouse.errors import RecipeError
from stillhouse.inference.vllm.check_worker import CheckedModel, CheckSpec, check_engines
from stillhouse.inference.vllm.engine import environment_for
from stillhouse.recipe.engine import Engine
from stillhouse.runtime.settings import load_settings
from stillhouse.runtime.worker import Reporter
from tests.support.paths import ROOT

# of SmolLM2-135M: 9 heads, which two GPUs can't share
CONFIG = """{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 576, "num_hidden_layers": 4,
"num_attention_heads": 9, "num_key_value_heads": 3, "intermediate_size": 64, "vocab_size": 100,
"max_position_embeddings": 512}"""


@dataclass
class EngineArgs:
    """As much of vLLM's as the check asks."""

    model: str
    cpu_offload_gb: float = 0
    tensor_parallel_size: int = 1
    rest: Any = None

    def create_engine_config(self) -> None:
        if self.tensor_parallel_size == 2:
            raise ValueError("9 heads can't be shared by 2")


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("vllm")
    # the fake has few of the fields that every engine is told
    kept = ("model", "cpu_offload_gb", "tensor_parallel_size")

    class Args(EngineArgs):
        def __init__(self, **told: Any) -> None:
            super().__init__(**{name: value for name, value in told.items() if name in kept})

    vars(module).update(EngineArgs=Args, __version__="0.32.0")
    monkeypatch.setitem(sys.modules, "vllm", module)


def checked(path: Path | str = "model", **engine: Any) -> CheckedModel:
    return CheckedModel(field="teachers.0", path=str(path), dtype="bfloat16", engine=Engine(**engine))


def check(*models: CheckedModel) -> dict[str, Any]:
    return check_engines(CheckSpec(models=models), Reporter(io.StringIO()))


@pytest.mark.usefixtures("vllm")
def test_check_engines_unknown_argument_is_refused_with_the_nearest():
    with pytest.raises(
        RecipeError, match=r"teachers\.0\.engine\.arguments: vLLM 0\.32\.0 .*'cpu_offload_gib'.*cpu_offload_gb"
    ):
        check(checked(arguments={"cpu_offload_gib": 3}))


@pytest.mark.usefixtures("vllm")
def test_check_engines_says_what_vllm_refuses():
    with pytest.raises(RecipeError, match=r"teachers\.0: vLLM 0\.32\.0 refuses model .*9 heads can't be shared by 2\."):
        check(checked(), checked(tensor_parallel=2))


@pytest.mark.usefixtures("vllm")
def test_check_engines_of_a_file_not_yet_converted_sees_names_alone():
    gguf = checked(tensor_parallel=2).model_copy(update={"is_converted": True})
    assert check(gguf, checked(arguments={"cpu_offload_gb": 3})) == {"checked": 2}


# in one process: to import vLLM takes far longer than all of its checks
ASK_ALL = """
import io, sys
from stillhouse.errors import RecipeError
from stillhouse.inference.vllm.check_worker import CheckSpec, check_engines
from stillhouse.runtime.worker import Reporter
from tests.support.paths import ROOT
for model in CheckSpec.model_validate_json(sys.argv[1]).models:
    try:
        check_engines(CheckSpec(models=(model,)), Reporter(io.StringIO()))
        print("said: taken")
    except RecipeError as error:
        print("said:", error)
"""


@pytest.mark.slow
def test_check_engines_with_the_real_vllm(tmp_path: Path):
    (tmp_path / "config.json").write_text(CONFIG)
    said = {
        "taken": {"tensor_parallel": 3, "pipeline_parallel": 2, "arguments": {"cpu_offload_gb": 1}},
        "attention heads (9) must be divisible by tensor parallel size (2)": {"tensor_parallel": 2},
        "Number of experts": {"expert_parallel": True},
        "cache_dtype: Input should be": {"kv_cache_dtype": "fp9"},
        "no engine argument 'block_sise'. Did you mean 'block_size'?": {"arguments": {"block_sise": 16}},
    }
    spec = CheckSpec(models=tuple(checked(tmp_path, **settings) for settings in said.values()))
    answered = subprocess.run(
        [load_settings().engine_python, "-c", ASK_ALL, spec.model_dump_json()],
        env=os.environ | environment_for(Engine()) | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    # vLLM prints lines of its own
    lines = [line for line in answered.stdout.splitlines() if line.startswith("said: ")]
    for expected, line in zip(said, lines, strict=True):
        assert expected in line
