"""What of an engine's settings decides what is measured with it."""

import pytest

from stillhouse.recipe.evaluation import Evaluation
from stillhouse.recipe.teacher import Engine

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
