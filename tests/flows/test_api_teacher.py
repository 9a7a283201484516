"""The pipeline up to the completions of a teacher over an API, in Prefect: no engine, no device, no key in any file."""

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from prefect import flow

from stillhouse.recipe.load import load_recipe
from stillhouse.runtime.locks import device_lock
from stillhouse.runtime.settings import load_settings
from tasks.convert import load_teachers
from tasks.evaluate_teacher import evaluate_api_teacher
from tasks.orchestration.preflight import start_run
from tests.support.api.batch_server import answered, serving_batches
from tests.support.api.recipe import ENVIRONMENT, NO_ENGINE, first_answer, first_label, prepare_api_recipe
from tests.support.api.requests import KEY
from tests.support.api.server import failure, serving
from tests.support.generation.generation_pipeline import GenerationPipeline
from tests.support.stages import prepare_rows

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(300)]


def test_teacher_over_an_api_gets_each_prompt_once_in_any_number_of_runs(tmp_path):
    with serving(first_label) as server:
        pipeline = prepare_api_recipe(tmp_path, server.address)
        # in a process of its own, whose log is among the files searched for the key
        first = pipeline.generate_in_process(NO_ENGINE, **ENVIRONMENT)
        assert first["requests"] == first["sent"] == len(server.requests) > 20
        assert max(Counter(str(body["messages"]) for body in server.bodies()).values()) == 1
        # found among the stored completions, though the artifact is built anew
        again = pipeline.generate(NO_ENGINE, "generate", **ENVIRONMENT)
        assert (again["fingerprint"], again["from_store"]) == (first["fingerprint"], first["requests"])
        assert len(server.requests) == first["requests"]
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".parquet" for path in written)
    assert (tmp_path / "log.txt").stat().st_size > 0
    assert not [path for path in written if KEY.encode() in path.read_bytes()]


def in_batches(pipeline: GenerationPipeline, address: str) -> GenerationPipeline:
    """The same recipe, sent through the batch API at `address`."""
    recipe = pipeline.folder / "recipe.yaml"
    fields = yaml.safe_load(recipe.read_text())
    batches = {"base_url": address, "execution": "batch", "batch": {"max_requests": 10, "poll_s": 0.1}}
    fields["teachers"][0]["endpoint"] |= batches
    recipe.write_text(yaml.safe_dump(fields))
    return pipeline


def test_batches_make_the_artifact_that_single_requests_make_and_reuse_stored_completions(tmp_path):
    with serving(first_label) as server:
        single = prepare_api_recipe(tmp_path / "single", server.address).generate(NO_ENGINE, **ENVIRONMENT)
    (tmp_path / "batches").mkdir()
    with serving_batches() as server:
        server.answer = lambda line: answered(line["custom_id"], first_answer(line["body"]))
        # it takes longer than a stage may: a batch has a deadline of its own
        server.looks_until_end = 60
        pipeline = in_batches(prepare_api_recipe(tmp_path / "batches", server.address), server.address)
        limit = {"STILLHOUSE_STAGE_TIMEOUT": "5"}
        batches = pipeline.generate(NO_ENGINE, **ENVIRONMENT, **limit)
        assert set(server.bought.values()) == {1}
        assert len(server.bought) == batches["sent"] == batches["generated"] == single["generated"]
        assert (batches["batch"], batches["price_factor"]) == (True, 0.5)
        # batches are no part of the completions' identity
        assert batches["fingerprint"] == single["fingerprint"]
        calls = len(server.calls)
        assert pipeline.generate(NO_ENGINE, "generate", **ENVIRONMENT)["from_store"] == batches["requests"]
        assert len(server.calls) == calls


def test_teacher_over_an_api_does_not_wait_for_the_device(tmp_path):
    with serving(first_label) as server, device_lock(tmp_path / "work" / "device.lock"):
        assert prepare_api_recipe(tmp_path, server.address).generate(NO_ENGINE, **ENVIRONMENT)["generated"] > 20


def test_run_without_the_key_ends_before_anything_is_read(tmp_path):
    with serving(first_label) as server:
        error = prepare_api_recipe(tmp_path, server.address).error(NO_ENGINE, OPENAI_API_KEY="")
        assert "RecipeError: The environment variable OPENAI_API_KEY is not set" in error
        assert not server.requests
    assert not (tmp_path / "store" / "artifacts").exists()


def test_key_that_is_refused_ends_the_run_in_one_line_that_does_not_show_it(tmp_path):
    with serving(lambda _: failure(401, f"Incorrect API key provided: {KEY}")) as server:
        error = prepare_api_recipe(tmp_path, server.address).error_in_process(NO_ENGINE, **ENVIRONMENT)
        assert "ServiceError: generate: openai" in error
        assert "set that variable to a valid key" in error
        # neither the run nor Prefect's retries went on
        assert len(server.requests) <= 16
    assert KEY not in error
    assert KEY not in (tmp_path / "log.txt").read_text()


@flow(name="measuring", persist_result=False)
def measuring(recipe: str) -> str:
    with start_run(load_recipe(recipe), load_settings(), []) as run:
        (teacher,) = load_teachers(run)
        return str(run.store.fetch(evaluate_api_teacher(run, prepare_rows(run), 0, teacher).ref))


@pytest.mark.pitfall("held out")
def test_teacher_over_an_api_is_evaluated_once_on_all_test_rows(tmp_path, monkeypatch):
    for name, value in {**ENVIRONMENT, "STILLHOUSE_STORE": str(tmp_path / "store")}.items():
        monkeypatch.setenv(name, value)
    with serving(first_label) as server:
        recipe = str(prepare_api_recipe(tmp_path, server.address).folder / "recipe.yaml")
        folder = Path(measuring(recipe))
        assert len(server.requests) == 30
        held_out = (tmp_path / "test.jsonl").read_text().splitlines()
        assert {request.prompt for request in server.requests} == {json.loads(line)["message"] for line in held_out}
        assert measuring(recipe) == str(folder)
        assert len(server.requests) == 30
    answers = pq.read_table(folder / "answers.parquet").to_pylist()
    assert len({line["row_id"] for line in answers}) == 30
    assert all(line["answer"] for line in answers)
    teacher = json.loads((folder / "measurements.json").read_text())["teacher"]
    assert teacher["latency_ms"]["n"] == 30
