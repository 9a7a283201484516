"""What of an engine's settings decides answers and measurements, and which arguments of vLLM's it takes."""

from pathlib import Path

import pytest

from stillhouse.errors import RecipeError
from stillhouse.inference.models import Checkpoint, identify
from stillhouse.recipe.engine import Engine
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.teacher import Teacher
from tests.support.builders import make_recipe_fields

# as an evaluation's engine was identified while its default was eager
BEFORE = {
    "max_num_seqs": 0,
    "mode": "eager",
    "kv_cache_gib": 0.0,
    "max_model_len": 0,
    "gpu_memory_utilization": 0.9,
    "tensor_parallel": 1,
    "prefix_caching": True,
    "threads": 0,
    "segment_seconds": 5.0,
}


@pytest.mark.parametrize(
    ("engine", "mode"),
    [
        ({}, "eager"),
        ({"threads": 2}, "auto"),
        ({"threads": 2, "mode": "eager"}, "eager"),
        ({"mode": "compiled"}, "compiled"),
    ],
)
def test_engine_of_an_older_evaluation_keeps_its_identity(engine, mode):
    found = Evaluation(engine=engine).engine.measured_identity
    assert found == BEFORE | engine | {"mode": mode}


def test_engine_that_is_eager_by_the_recipe_is_not_the_default():
    # on a GPU the default is compiled
    assert Engine(mode="eager").measured_identity != Evaluation().engine.measured_identity


def fingerprint(tmp_path: Path, **engine) -> str:
    """Return what the completions of a teacher with this engine are stored under."""
    teacher = Teacher(model="owner/model", engine=engine)
    model = identify("owner/model", "", tmp_path / "hashes.json")
    return Checkpoint(model=model, path="owner/model").fingerprint_as(teacher)


@pytest.mark.parametrize(
    "engine",
    [
        {"tensor_parallel": 4, "pipeline_parallel": 2, "expert_parallel": True},
        {"arguments": {"cpu_offload_gb": 20, "max_num_batched_tokens": 16384, "disable_custom_all_reduce": True}},
        {"kv_cache_dtype": "auto", "arguments": {}},
    ],
    ids=str,
)
def test_engine_that_runs_elsewhere_finds_the_stored_completions(tmp_path, engine):
    assert fingerprint(tmp_path, **engine) == fingerprint(tmp_path)


def test_engine_that_gives_other_answers_has_completions_of_its_own(tmp_path):
    changes = [{"kv_cache_dtype": "fp8"}, *({"arguments": {"hf_overrides": {"rope_theta": n}}} for n in (1.0, 2.0))]
    assert len({fingerprint(tmp_path), *(fingerprint(tmp_path, **one) for one in changes)}) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tensor_parallel_size": 2}, "tensor_parallel_size is said by the field engine.tensor_parallel"),
        ({"quantization": "fp8"}, "said by the field quantization"),
        ({"data_parallel_size": 8}, "set the teacher's `replicas`"),
        ({"nnodes": 2}, "with provider: vllm"),
        ({"trust_remote_code": True}, "can't name code"),
        ({"hf_token": "x"}, "HF_TOKEN"),
        ({"load_format": "pt"}, "can run code"),
        ({"distributed_executor_backend": "os.system"}, "'os.system' can't be set: a recipe can't name code"),
        ({"compilation_config": {"inductor_passes": [{"a": "evil.module.run"}]}}, "'evil.module.run'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_engine_argument_that_a_recipe_may_not_set_is_refused(arguments, message):
    fields = make_recipe_fields()
    fields["teachers"][0]["engine"] = {"arguments": arguments}
    with pytest.raises(RecipeError, match=r"teachers\.0\.engine\.arguments") as refused:
        parse_recipe(fields)
    assert message in str(refused.value)


def test_engine_with_placement_of_another_keeps_how_it_is_measured():
    ours = Engine(mode="compiled", threads=2, gpu_memory_utilization=0.5)
    found = ours.with_placement_of(Engine(tensor_parallel=4, gpu_memory_utilization=0.95, mode="eager"))
    assert (found.mode, found.threads, found.num_gpus, found.gpu_memory_utilization) == ("compiled", 2, 4, 0.95)
