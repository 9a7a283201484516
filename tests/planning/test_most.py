"""A plan that asks no model, of every student with every teacher that has a short name, without weights and network."""

import json
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.costs.budget_guard import BudgetScope
from stillhouse.costs.price import ResolvedPrice
from stillhouse.data.model_drafts import STUDENTS, TEACHERS, student_draft, teacher_draft
from stillhouse.data.recipe_draft import draft_recipe
from stillhouse.planning.inputs import PlanInputs
from stillhouse.planning.most import as_servers, most_line, most_of
from stillhouse.planning.plan import Plan, make_plan
from stillhouse.planning.tables import plan_lines
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.training import TrainingExecution
from stillhouse.runtime.machine import Gpu, Machine
from stillhouse.runtime.settings import load_settings
from stillhouse.teachers.api_probe_worker import probe
from stillhouse.teachers.probe_result import ListedPrompt, read_probe
from stillhouse.teachers.spec import ProbeSpec
from tasks.orchestration import model_memory
from tests.support.api.requests import RecordingReporter
from tests.support.builders import make_recipe_fields
from tests.support.planned_recipe import ROWS, row

ONE_GPU = Machine(gpus=(Gpu(index="0", uuid="GPU-0", name="H100", memory_bytes=80 * 2**30),), memory_bytes=2**40)
QUESTIONS = [f"Where is parcel {number}?" for number in range(10)]


def drafted(folder: Path, teacher: str, student: str) -> Recipe:
    rows = [{"messages": [{"role": "user", "content": question}]} for question in QUESTIONS]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    drafts = {"teacher": teacher_draft(teacher), "student": student_draft(student)}
    text = draft_recipe(str(folder / "rows.jsonl"), "", "", None, folder, **drafts)
    return parse_recipe(yaml.safe_load(text.replace("# accept_terms:", "accept_terms:")))


def planned(folder: Path, recipe: Recipe) -> Plan:
    """Return the plan of ten rows, none of which is asked: nothing is connected."""
    rows = [row(number, question) for number, question in enumerate(QUESTIONS)]
    for name, part in (("train", rows), ("validation", []), ("test", [])):
        pq.write_table(pa.Table.from_pylist(part, schema=ROWS), folder / f"{name}.parquet")
    teacher = as_servers(recipe).teacher
    store = StoreConfig(url=str(folder / "store"))
    spec = ProbeSpec(
        model_path=teacher.model,
        teacher=teacher,
        teacher_fingerprint="f" * 64,
        skill=recipe.skill,
        labels=(),
        rows=(str(folder / "train.parquet"), str(folder / "validation.parquet")),
        skip_labelled=True,
        examples=None,
        store=store,
        budget=BudgetScope(),
        prompts=0,
        test=str(folder / "test.parquet"),
        out=str(folder),
    )
    assert probe(spec, RecordingReporter(), connect=lambda *_: pytest.fail("a model was asked"))["generated"] == 0
    listed = read_probe(folder, Store(store), teacher, "f" * 64)
    run = SimpleNamespace(recipe=recipe, settings=load_settings())
    memory = model_memory.named_models_memory(run)
    return make_plan(PlanInputs(recipe, (), [listed], (rows, []), memory=memory, is_offline=True))


@pytest.mark.parametrize("student", STUDENTS)
@pytest.mark.parametrize("teacher", TEACHERS)
def test_offline_plan_of_each_student_with_each_teacher_is_made_without_weights(
    tmp_path, monkeypatch, teacher, student
):
    monkeypatch.setattr(model_memory, "engine_machine", lambda _: ONE_GPU)
    recipe = drafted(tmp_path, teacher, student)
    plan = planned(tmp_path, recipe)
    (most,) = plan.most
    assert (most.requests, most.completion_tokens) == (10, 10 * 512)
    assert (most.usd is not None) == (teacher in ("gpt", "claude"))
    *served, memory = plan.memory
    assert (memory.field, memory.verdict) == ("evaluation", "fits")
    if recipe.teacher.endpoint:
        assert not served
    else:
        assert served[0].verdict == "does not fit"
        assert len(served[0].commands) == 2
        assert f"vllm serve {recipe.teacher.model} " in "\n".join(plan_lines(plan))
    assert plan.tokens is None
    assert plan.notes[0].startswith("No model was asked")


def test_offline_plan_shows_how_a_training_of_several_processes_starts(tmp_path):
    recipe = drafted(tmp_path, next(iter(TEACHERS)), next(iter(STUDENTS)))
    assert "processes" not in str(planned(tmp_path, recipe).notes)
    execution = {"execution": TrainingExecution(processes=4, sharding="fsdp")}
    several = recipe.model_copy(update={"training": recipe.training.model_copy(update=execution)})
    (note,) = [note for note in planned(tmp_path, several).notes if "4 processes" in note]
    assert "accelerate.commands.launch --config_file infra/training/fsdp.yaml --num_processes 4" in note


def test_most_is_of_the_missing_completions_alone():
    prompts = [
        ListedPrompt(keys=("a", "b"), size=400, repeats={"r1": 1}, stored=(), is_probed=False),
        ListedPrompt(keys=("c", "d"), size=8000, repeats={"r2": 1}, stored=("one", "two"), is_probed=False),
        ListedPrompt(keys=("e", "f"), size=200, repeats={"r3": 1}, stored=("one",), is_probed=False),
    ]
    price = ResolvedPrice(input_usd_per_mtok=2.0, output_usd_per_mtok=8.0)
    most = most_of("teacher: prompts", prompts, 100, price)
    # two of 400 bytes and one of 200, at four bytes a token; three answers
    assert (most.requests, most.prompt_bytes, most.prompt_tokens, most.completion_tokens) == (3, 1000, 250, 300)
    assert most.usd == pytest.approx((250 * 2 + 300 * 8) / 1e6)
    assert most_line(most.model_copy(update={"usd": None})).endswith("answers of 300 tokens at most; cost not known.")


def test_as_servers_keeps_an_endpoint_and_puts_a_server_in_place_of_an_engine():
    fields = make_recipe_fields()
    fields["teachers"] = [
        {"model": "owner/own", "prompt": {"layout": "text"}, "name": "own"},
        {"model": "hosted", "endpoint": {"provider": "deepseek"}, "name": "hosted"},
    ]
    own, hosted = as_servers(parse_recipe(fields)).teachers
    assert (own.endpoint.provider, own.prompt.layout, own.model) == ("vllm", "list", "owner/own")
    assert hosted == parse_recipe(fields).teachers[1]
