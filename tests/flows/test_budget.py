"""A budget in the recipe, through Prefect: where a run stops, and how it goes on."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.api.recipe import ENVIRONMENT, NO_ENGINE, first_label, prepare_api_recipe
from tests.support.api.server import serving
from tests.support.generation.engine_python import EnginePython
from tests.support.generation.generation_pipeline import GenerationPipeline

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(300)]


def change(pipeline: GenerationPipeline, **parts: Any) -> None:
    path = pipeline.folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | parts))


def test_budget_stops_an_engine_and_a_raised_one_generates_only_the_rest(tmp_path: Path):
    engine = EnginePython(tmp_path / "engine", "here")
    whole = GenerationPipeline(tmp_path / "whole").prepare(replicas=1).generate(engine.path)
    tokens = whole["prompt_tokens"] + whole["completion_tokens"]
    assert whole["bought"]["prompt_tokens"] == whole["prompt_tokens"]
    engine.set_behaviour()
    pipeline = GenerationPipeline(tmp_path / "run").prepare(replicas=1)
    change(pipeline, budget={"tokens": tokens // 2})

    error = pipeline.error(engine.path)

    assert error.startswith("BudgetSpent: generate: the budget allows no further request")
    assert f"of {tokens // 2:,} (budget.tokens)" in error
    stored = pipeline.stored_keys()
    # Prefect did not try again, and no completion is lost
    assert 0 < len(stored) == len(engine.prompts) < whole["requests"]
    engine.set_behaviour()
    # the last request must fit with all that it might take
    change(pipeline, budget={"tokens": tokens + 100})

    finished = pipeline.generate(engine.path)

    assert len(engine.prompts) == whole["requests"] - len(stored) == finished["generated"]
    assert (finished["fingerprint"], finished["bought"]["requests"]) == (whole["fingerprint"], whole["requests"])
    assert finished["bought"]["prompt_tokens"] + finished["bought"]["completion_tokens"] == tokens


def test_budget_in_dollars_stops_a_teacher_over_an_api_and_goes_on_when_raised(tmp_path: Path):
    with serving(first_label) as server:
        pipeline = prepare_api_recipe(tmp_path, server.address)
        fields = yaml.safe_load((pipeline.folder / "recipe.yaml").read_text())
        price = {"input_usd_per_mtok": 100, "output_usd_per_mtok": 1000}
        teacher = fields["teachers"][0] | {"price": price, "sampling": {"max_tokens": 8}}
        change(pipeline, teachers=[teacher], budget={"usd": 0.06})
        error = pipeline.error(NO_ENGINE, **ENVIRONMENT)
        assert "BudgetSpent: generate: the budget allows no further request" in error
        first = len(server.requests)
        # the server counts 11 and 2 tokens a request: $0.0031
        assert 5 < first < 0.06 / 0.0031
        change(pipeline, budget={"usd": 100})
        finished = pipeline.generate(NO_ENGINE, **ENVIRONMENT)
        assert finished["sent"] == finished["requests"] - first
        assert len(server.requests) == finished["requests"]


def test_budget_in_dollars_without_a_known_price_is_refused_before_anything_is_read(tmp_path: Path):
    with serving(first_label) as server:
        pipeline = prepare_api_recipe(tmp_path, server.address)
        change(pipeline, budget={"usd": 5})
        error = pipeline.error(NO_ENGINE, **ENVIRONMENT)
        assert "RecipeError: budget.usd: 5 can't be held, since no price of served is known" in error
        assert "teachers.0.price" in error
        assert not server.requests
    assert not (tmp_path / "store" / "artifacts").exists()
