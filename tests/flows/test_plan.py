"""`stillhouse plan` as a user starts it, and the run after it: what they send, share and forecast."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.settings import PREFECT_API_URL

from tests.support.api.recipe import ENVIRONMENT, NO_ENGINE, first_label, prepare_api_recipe
from tests.support.api.server import serving
from tests.support.generation.engine_python import EnginePython
from tests.support.generation.generation_pipeline import GenerationPipeline
from tests.support.paths import ROOT
from tests.support.pipeline import MODEL, Pipeline
from tests.support.planned_recipe import DATA, needs_data

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(600)]

RECIPES = ROOT / "deployments" / "recipes"


def planned(pipeline: Pipeline, *arguments: str, **environment: str) -> dict[str, Any]:
    """Run `stillhouse plan --json` and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "deployments.cli", "plan", str(pipeline.folder / "recipe.yaml"), "--json", *arguments],
        cwd=ROOT,
        env={**pipeline.environment, "PREFECT_API_URL": str(PREFECT_API_URL.value()), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_plan_sends_32_prompts_to_an_engine_and_the_run_sends_the_others(tmp_path: Path):
    engine = EnginePython(tmp_path / "engine", "here")
    pipeline = GenerationPipeline(tmp_path / "run").prepare(replicas=1)
    plan = planned(pipeline, STILLHOUSE_ENGINE_PYTHON=str(engine.path))
    (generation,) = plan["parts"]
    assert len(engine.prompts) == 32 == generation["stored"]
    assert len(pipeline.stored_keys()) == 32
    again = planned(pipeline, STILLHOUSE_ENGINE_PYTHON=str(engine.path))
    assert len(engine.prompts) == 32
    assert again["parts"] == plan["parts"]

    finished = pipeline.generate(engine.path)

    assert len(engine.prompts) == finished["requests"] == generation["requests"]
    assert max(Counter(engine.prompts).values()) == 1
    assert finished["generated"] == generation["missing"] == plan["requests"]
    # the length of every prompt was known, and each answer is one token
    taken = finished["bought"]["prompt_tokens"] + finished["bought"]["completion_tokens"]
    assert generation["tokens"]["value"] == pytest.approx(taken)
    # the stages before were built once
    assert len(list((pipeline.store / "artifacts" / "split").glob("*"))) == 1


def test_plan_of_a_teacher_over_an_api_prints_tokens_cost_and_kept_completions(tmp_path: Path):
    with serving(first_label) as server:
        pipeline = prepare_api_recipe(tmp_path, server.address)
        fields = yaml.safe_load((pipeline.folder / "recipe.yaml").read_text())
        fields["teachers"][0]["price"] = {"input_usd_per_mtok": 100, "output_usd_per_mtok": 1000}
        (pipeline.folder / "recipe.yaml").write_text(yaml.safe_dump(fields))
        plan = planned(pipeline, "--max-train-rows", "25", **ENVIRONMENT, STILLHOUSE_ENGINE_PYTHON=str(NO_ENGINE))
        generation, tests = plan["parts"]
        assert len(server.requests) == generation["stored"] == generation["requests"]
        assert (tests["what"], tests["missing"]) == ("teacher: test rows", 30)
        # 30 rows of 11 and 2 tokens
        assert plan["usd"]["value"] == pytest.approx(30 * 0.0031)
        assert plan["survivors"]["judged"] == generation["requests"]


def test_plan_offline_sends_nothing_and_needs_no_key(tmp_path: Path):
    with serving(first_label) as server:
        pipeline = prepare_api_recipe(tmp_path, server.address)
        plan = planned(pipeline, "--offline", "--max-train-rows", "25", STILLHOUSE_ENGINE_PYTHON=str(NO_ENGINE))
        assert not server.requests
    generation, tests = plan["most"]
    assert (generation["requests"] + tests["requests"], tests["requests"]) == (plan["requests"], 30)
    assert plan["tokens"] is None


# skill -> its shipped recipe, and rows enough to leave some to be foretold: the recipes of qa and math hold few
SLICES: dict[str, tuple[str, str]] = {
    "demo": ("", ""),
    "qa": ("qa_nq_open/dev.jsonl", "question"),
    "math": ("math_gsm8k/train.jsonl", "question"),
}


def sliced(pipeline: Pipeline, name: str) -> None:
    """Write the shipped recipe `name` with 120 rows to ask."""
    fields = yaml.safe_load((RECIPES / f"{name}.yaml").read_text())
    for source in ("train", "examples", "test"):
        fields["data"][source]["path"] = str(RECIPES / fields["data"][source]["path"])
    data, question = SLICES[name]
    if data:
        lines = (DATA / data).read_text().split("\n")[:120]
        (pipeline.folder / "rows.jsonl").write_text("\n".join(lines) + "\n")
        fields["data"]["train"] = {"path": "rows.jsonl", "columns": {"text": question}}
    fields["data"]["max_train_rows"] = 120
    fields["teachers"][0]["model"] = fields["student"]["model"] = str(MODEL)
    # by tokens, so that money is foretold as for an API
    fields["teachers"][0]["price"] = {"input_usd_per_mtok": 2.0, "output_usd_per_mtok": 8.0}
    (pipeline.folder / "recipe.yaml").write_text(yaml.safe_dump(fields))


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs_data if data else ()) for name, (data, _) in SLICES.items()]
)
def test_plan_on_the_real_engine_is_within_a_tenth_of_the_run(tmp_path: Path, name: str):
    pipeline = Pipeline(tmp_path / "run")
    sliced(pipeline, name)
    plan = planned(pipeline)
    (generation,) = plan["parts"]
    assert generation["missing"] >= 60

    command = [sys.executable, "-c", "from tests.support.generation.generation_pipeline import main; main()"]
    environment = {**pipeline.environment, "PREFECT_API_URL": str(PREFECT_API_URL.value())}
    asked = subprocess.run(
        [*command, str(pipeline.folder / "recipe.yaml")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=3000,
    )

    took = json.loads(asked.stdout.splitlines()[-1])
    assert took["generated"] == generation["missing"]
    bought = took["bought"]
    tokens = bought["prompt_tokens"] + bought["completion_tokens"]
    usd = bought["prompt_tokens"] * 2e-6 + bought["completion_tokens"] * 8e-6
    assert generation["tokens"]["value"] == pytest.approx(tokens, rel=0.1)
    assert generation["usd"]["value"] == pytest.approx(usd, rel=0.1)
    # money is mostly completions where answers are long: they alone, with a wider bound
    ahead = generation["ahead"]["completion_tokens"]["value"]
    assert ahead == pytest.approx(took["completion_tokens"], rel=0.25)
    keys = pipeline.stored_keys()
    assert len(keys) == len(set(keys)) == generation["requests"]
