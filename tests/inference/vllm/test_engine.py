"""What vLLM is told at the start of an engine; vLLM itself is replaced by one that notes it."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from stillhouse.inference.vllm.engine import environment_for, start_engine
from stillhouse.inference.vllm.kv_cache import allocated_bytes
from stillhouse.inference.vllm.sizing import Job
from stillhouse.recipe.engine import Engine

LLAMA_70B = """{"model_type": "llama", "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64,
"num_key_value_heads": 8, "max_position_embeddings": 131072}"""
# 1,000 tokens of prompt and 512 of completion: on one GPU its cache for 128 sequences would be 65 GiB
JOB = Job(num_requests=1000, longest_prompt=1000, max_tokens=512)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what the last engine was told; `on_cpu` in it says what it runs on."""
    told: dict[str, Any] = {"on_cpu": False}

    def module(name: str, **members: Any) -> None:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        vars(sys.modules[name]).update(members)

    module("vllm", LLM=lambda **options: told.update(options))
    module("vllm.platforms", current_platform=SimpleNamespace(is_cpu=lambda: told["on_cpu"]))
    return told


def start(folder: Path, **engine: Any) -> None:
    (folder / "config.json").write_text(LLAMA_70B)
    start_engine(str(folder), revision="", dtype="bfloat16", quantization="", engine=Engine(**engine), job=JOB)


def test_start_engine_on_gpus_leaves_the_cache_to_vllm(told: dict[str, Any], tmp_path: Path):
    start(tmp_path, tensor_parallel=4, gpu_memory_utilization=0.95)
    # vLLM ignores the share of the GPU's memory as soon as a size is given
    assert told["kv_cache_memory_bytes"] is None
    assert (told["gpu_memory_utilization"], told["tensor_parallel_size"]) == (0.95, 4)


def test_start_engine_hands_on_what_the_recipe_says_of_devices(told: dict[str, Any], tmp_path: Path):
    start(
        tmp_path,
        tensor_parallel=8,
        pipeline_parallel=2,
        expert_parallel=True,
        kv_cache_dtype="fp8",
        arguments={"cpu_offload_gb": 20},
    )
    names = ("tensor_parallel_size", "pipeline_parallel_size", "enable_expert_parallel", "kv_cache_dtype")
    assert [told[name] for name in (*names, "cpu_offload_gb")] == [8, 2, True, "fp8", 20]


def test_start_engine_longer_context_by_override_is_taken(told: dict[str, Any], tmp_path: Path):
    start(tmp_path, max_model_len=200_000, arguments={"hf_overrides": {"max_position_embeddings": 262_144}})
    assert told["max_model_len"] == 200_000


def test_environment_of_several_gpus_leaves_their_threads_to_vllm():
    assert environment_for(Engine(tensor_parallel=2)).get("OMP_NUM_THREADS") is None
    assert environment_for(Engine(tensor_parallel=2, threads=3))["OMP_NUM_THREADS"] == "3"
    assert "OMP_NUM_THREADS" in environment_for(Engine())


def test_start_engine_on_a_cpu_sizes_the_cache(told: dict[str, Any], tmp_path: Path):
    told["on_cpu"] = True
    start(tmp_path)
    # 80 layers, keys and values, 8 heads of 128 numbers of 16 bits; 12 blocks of 128 tokens and one for 128 sequences
    assert told["kv_cache_memory_bytes"] == 80 * 2 * 8 * 128 * 2 * (13 * 128) * 128


@pytest.mark.parametrize(
    ("given", "devices", "expected"),
    [(None, 1, 96), (None, 4, 384), (50, 1, 50), (50, 2, 100)],
)
def test_allocated_bytes_are_those_of_all_devices(given: int | None, devices: int, expected: int):
    tensors = [SimpleNamespace(size=64), SimpleNamespace(size=32)]
    core = SimpleNamespace(scheduler=SimpleNamespace(kv_cache_config=SimpleNamespace(kv_cache_tensors=tensors)))
    config = SimpleNamespace(
        cache_config=SimpleNamespace(kv_cache_memory_bytes=given),
        parallel_config=SimpleNamespace(world_size=devices),
    )
    engine = SimpleNamespace(vllm_config=config, engine_core=SimpleNamespace(engine_core=core))
    assert allocated_bytes(SimpleNamespace(llm_engine=engine)) == expected
