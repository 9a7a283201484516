"""What a plan says of a model's memory on a machine, and what to do where there is too little."""

import pytest

from stillhouse.inference.vllm.arguments import EngineModel
from stillhouse.inference.vllm.footprint import Footprint
from stillhouse.planning.model_memory import memory_line, reckon_memory
from stillhouse.recipe.engine import Engine
from stillhouse.runtime.machine import Gpu, Machine

GIB = 2**30
# 131 GiB of weights, 2.5 GiB for 8,192 tokens
LLAMA_70B = Footprint(weight_bytes=131 * GIB, token_bytes=327_680, tokens=8192, num_heads=64, num_kv_heads=8)
# 641 GiB, and a cache that each GPU holds whole
DEEPSEEK_V3 = Footprint(weight_bytes=641 * GIB, token_bytes=70_272, tokens=8192, num_heads=128, num_kv_heads=1)


def machine(count: int, gib: int = 80) -> Machine:
    gpus = (Gpu(index=str(n), uuid=f"GPU-{n}", name="H100", memory_bytes=gib * GIB) for n in range(count))
    return Machine(gpus=tuple(gpus), memory_bytes=64 * GIB)


def reckon(footprint: Footprint | None, here: Machine, **engine):
    model = EngineModel(path="owner/model", dtype="bfloat16", engine=Engine(**engine))
    return reckon_memory("teachers.0", model, footprint, here)


def test_reckon_memory_a_model_over_enough_gpus_fits():
    found = reckon(LLAMA_70B, machine(4), tensor_parallel=4)
    assert (found.verdict, found.advice, found.commands) == ("fits", "", ())
    # a quarter of the weights and of the cache, and 3 GiB for CUDA; of 80 GiB nine tenths may be taken
    assert found.needed_bytes == pytest.approx((131 / 4 + 2.5 / 4 + 3) * GIB)
    assert found.available_bytes == 72 * GIB
    assert "weights 131\u00a0GiB; 36.4\u00a0GiB on each of 4 GPUs" in memory_line(found)


@pytest.mark.parametrize("engine", [{}, {"tensor_parallel": 8}], ids=["too little memory", "too few GPUs"])
def test_reckon_memory_that_fits_with_other_settings_says_which(engine):
    found = reckon(LLAMA_70B, machine(4), **engine)
    assert found.verdict == "does not fit"
    assert "set teachers.0.engine.tensor_parallel to 4 and pipeline_parallel to 1" in found.advice
    assert found.commands == ()


def test_reckon_memory_beyond_a_machine_has_the_commands_of_a_server_on_several():
    found = reckon(DEEPSEEK_V3, machine(8), tensor_parallel=8)
    assert found.verdict == "does not fit"
    assert "needs 16 GPUs of 80.0\u00a0GiB. Serve it on 2 machines with 8 of them each" in found.advice
    assert "endpoint: {provider: vllm, base_url: 'http://HEAD:8000/v1'}" in found.advice
    first, second = found.commands
    assert "--tensor-parallel-size 8 --pipeline-parallel-size 2" in first
    assert "--nnodes 2 --master-addr HEAD --node-rank 0" in first
    assert second.endswith("--node-rank 1 --headless")


@pytest.mark.parametrize(
    ("weights", "engine", "verdict"),
    [
        (66, {}, "fits"),  # and 2.5 and 3 GiB, of 72
        (67, {}, "may not fit"),
        (69, {}, "may not fit"),  # the 3 GiB are assumed
        (70, {}, "does not fit"),
        (90, {"arguments": {"cpu_offload_gb": 30}}, "fits"),
    ],
)
def test_reckon_memory_refuses_nothing_by_what_is_assumed(weights, engine, verdict):
    assert reckon(LLAMA_70B.model_copy(update={"weight_bytes": weights * GIB}), machine(1), **engine).verdict == verdict


def test_reckon_memory_of_larger_gpus_fits_on_one_machine():
    assert reckon(DEEPSEEK_V3, machine(8, 141), tensor_parallel=8).verdict == "fits"


def test_reckon_memory_without_gpus_is_of_the_machine():
    small = LLAMA_70B.model_copy(update={"weight_bytes": GIB})
    found = reckon(small, machine(0))
    assert (found.verdict, found.num_gpus, found.needed_bytes) == ("fits", 0, pytest.approx(3.5 * GIB))
    large = reckon(LLAMA_70B, machine(0))
    assert large.verdict == "does not fit"
    # none here tells what there is elsewhere
    assert "needs 4 GPUs of 80.0\u00a0GiB. Serve it by the command below" in large.advice
    assert "--tensor-parallel-size 4" in large.commands[0]


def test_reckon_memory_of_a_model_nobody_describes_is_not_known():
    found = reckon(None, machine(1))
    assert (found.verdict, found.needed_bytes) == ("not known", None)
    assert memory_line(found).endswith("not known, since its weights are neither here nor described by the hub.")
