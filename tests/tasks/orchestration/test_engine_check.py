"""Which engines vLLM is asked about before work starts."""

from typing import Any

import pytest

from stillhouse.inference.vllm.check_worker import CheckSpec
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.settings import load_settings
from tasks.orchestration import engine_check
from tests.support.builders import make_recipe_fields


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """Return what the worker is asked: the section, the model and its GPUs."""
    found: list[tuple[str, str, int]] = []

    def run_worker(worker: str, spec: CheckSpec, **_: Any) -> None:
        found.extend((one.field, one.path, one.engine.num_gpus) for one in spec.models)

    monkeypatch.setattr(engine_check, "run_worker", run_worker)
    return found


def check(teacher: dict[str, Any], evaluation: dict[str, Any]) -> None:
    fields = make_recipe_fields(evaluation=evaluation)
    fields["teachers"][0] |= teacher
    fields["student"] = {"model": "owner/small"}
    engine_check.check_engines(parse_recipe(fields), load_settings())


def test_check_engines_common_settings_start_no_worker(asked):
    check({"model": "owner/large", "engine": {"threads": 2, "gpu_memory_utilization": 0.8}}, {"engine": {"threads": 2}})
    assert asked == []


def test_check_engines_asks_of_teachers_and_of_what_becomes_the_student(asked):
    check({"model": "owner/large", "engine": {"tensor_parallel": 4}}, {"engine": {"tensor_parallel": 2}})
    assert asked == [("teachers.0", "owner/large", 4), ("evaluation", "owner/small", 2)]


@pytest.mark.parametrize(
    "teacher",
    [
        {"quantization": "fp8"},
        {"engine": {"expert_parallel": True}},
        {"engine": {"kv_cache_dtype": "fp8"}},
        {"engine": {"arguments": {"cpu_offload_gb": 20}}},
    ],
    ids=str,
)
def test_check_engines_asks_of_each_setting_that_a_model_may_refuse(asked, teacher):
    check({"model": "owner/large", **teacher}, {})
    assert [field for field, _, _ in asked] == ["teachers.0"]


def test_check_engines_an_endpoints_server_has_settings_of_its_own(asked):
    endpoint = {"provider": "vllm", "base_url": "http://127.0.0.1:9/v1"}
    check({"model": "owner/large", "endpoint": endpoint}, {"engine": {"tensor_parallel": 2}})
    assert [field for field, _, _ in asked] == ["evaluation"]
