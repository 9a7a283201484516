import pytest

from stillhouse.inference.vllm.sizing import GIB, Job, plan_engine
from stillhouse.recipe.teacher import Engine


def plan(engine: dict | None = None, on_cpu: bool = True, **job):
    sized = {"num_requests": 1000, "longest_prompt": 200, "max_tokens": 8} | job
    return plan_engine(Engine(**(engine or {})), Job(**sized), 1024, on_cpu=on_cpu)


def test_plan_engine_sizes_by_the_job():
    found = plan()
    assert found.max_model_len == 209  # 200 + 8, and one to spare
    assert found.max_num_seqs == 128
    # 209 tokens are two blocks of 128, one block to spare, for 128 sequences of 1024 bytes a token
    assert found.kv_cache_bytes == 3 * 128 * 128 * 1024


@pytest.mark.parametrize(("requests", "expected"), [(0, 1), (1, 1), (50, 50), (128, 128), (5000, 128)])
def test_plan_engine_never_has_more_sequences_than_requests(requests, expected):
    assert plan(num_requests=requests).max_num_seqs == expected


def test_plan_engine_whole_blocks_are_not_rounded_up_again():
    assert plan(longest_prompt=119).kv_cache_bytes == 2 * 128 * 128 * 1024  # 119 + 8 + 1 = 128 = one block, and one


def test_plan_engine_the_recipes_values_win():
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
def test_plan_engine_compiles_only_what_repays_it(mode, requests, eager):
    assert plan({"mode": mode}, num_requests=requests).is_eager is eager


@pytest.mark.parametrize(
    ("on_cpu", "is_seeded", "allowed"), [(True, True, False), (True, False, True), (False, True, True)]
)
def test_plan_engine_seeded_sampling_on_a_cpu_has_no_caching_or_chunks(on_cpu, is_seeded, allowed):
    found = plan(on_cpu=on_cpu, is_seeded=is_seeded)
    assert (found.prefix_caching, found.chunked_prefill) == (allowed, allowed)


def test_plan_engine_prefix_caching_can_be_switched_off():
    assert not plan({"prefix_caching": False}).prefix_caching
