"""The numbers that an engine starts with, on a CPU and on GPUs."""

import pytest

from stillhouse.inference.vllm.sizing import GIB, EnginePlan, Job, plan_on_cpu, plan_on_gpu
from stillhouse.recipe.engine import Engine


def plan(engine: dict | None = None, on_cpu: bool = True, **job) -> EnginePlan:
    sized = Job(**({"num_requests": 1000, "longest_prompt": 200, "max_tokens": 8} | job))
    settings = Engine(**(engine or {}))
    return plan_on_cpu(settings, sized, 1024) if on_cpu else plan_on_gpu(settings, sized)


def test_plan_sizes_by_the_job():
    found = plan()
    assert found.max_model_len == 209  # 200 + 8, and one to spare
    assert found.max_num_seqs == 128
    assert found.max_num_batched_tokens == 2048
    # 209 tokens are two blocks of 128, one block to spare, for 128 sequences of 1024 bytes a token
    assert found.kv_cache_bytes == 3 * 128 * 128 * 1024


@pytest.mark.parametrize(("requests", "expected"), [(0, 1), (1, 1), (50, 50), (128, 128), (5000, 128)])
def test_plan_never_has_more_sequences_than_requests(requests, expected):
    assert plan(num_requests=requests).max_num_seqs == expected


def test_plan_whole_blocks_are_not_rounded_up_again():
    assert plan(longest_prompt=119).kv_cache_bytes == 2 * 128 * 128 * 1024  # 119 + 8 + 1 = 128 = one block, and one


def test_plan_the_recipes_values_win():
    found = plan({"max_num_seqs": 4, "kv_cache_gib": 0.5, "max_model_len": 512})
    assert (found.max_num_seqs, found.kv_cache_bytes, found.max_model_len) == (4, GIB // 2, 512)


@pytest.mark.parametrize(
    ("mode", "requests", "eager"),
    [
        ("auto", 4807, True),  # 4807 * 208 = 999,856 tokens
        ("auto", 4808, False),  # 1,000,064
        ("eager", 10**6, True),
        ("compiled", 1, False),
    ],
)
def test_plan_compiles_only_what_repays_it(mode, requests, eager):
    assert plan({"mode": mode}, num_requests=requests).is_eager is eager


@pytest.mark.parametrize(
    ("on_cpu", "is_seeded", "allowed"), [(True, True, False), (True, False, True), (False, True, True)]
)
def test_plan_seeded_sampling_on_a_cpu_has_no_caching_or_chunks(on_cpu, is_seeded, allowed):
    found = plan(on_cpu=on_cpu, is_seeded=is_seeded)
    assert (found.prefix_caching, found.chunked_prefill) == (allowed, allowed)


def test_plan_prefix_caching_can_be_switched_off():
    assert not plan({"prefix_caching": False}).prefix_caching


def test_plan_on_gpu_leaves_cache_and_batches_to_vllm():
    found = plan(on_cpu=False, longest_prompt=6000, max_tokens=2048)
    assert (found.kv_cache_bytes, found.max_num_seqs, found.max_num_batched_tokens) == (None, None, None)
    assert found.max_model_len == 8049


def test_plan_on_gpu_the_recipes_values_win():
    found = plan({"max_num_seqs": 4, "kv_cache_gib": 0.5, "max_model_len": 512}, on_cpu=False)
    assert (found.max_num_seqs, found.kv_cache_bytes, found.max_model_len) == (4, GIB // 2, 512)


@pytest.mark.parametrize(
    ("mode", "on_cpu", "eager"),
    [("auto", True, True), ("auto", False, False), ("eager", False, True), ("compiled", True, False)],
)
@pytest.mark.parametrize("requests", [64, 10**6])
def test_plan_of_a_measured_job_is_compiled_on_gpus_alone(mode, on_cpu, eager, requests):
    assert plan({"mode": mode}, on_cpu, num_requests=requests, is_measured=True).is_eager is eager
