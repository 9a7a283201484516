"""The page of an example plan says what the code would plan now, without planning 50,000 rows."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from docs.generate.plan_of_50000 import GPU, NUM_CONVERSATIONS, NUM_RECORDED, STORED, STUDENT, TEACHER, conversations
from stillhouse.data.model_drafts import student_draft, teacher_draft
from stillhouse.data.recipe_draft import draft_recipe
from stillhouse.planning.plan import Plan
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.recipe import Recipe
from stillhouse.runtime.machine import find_machine
from stillhouse.runtime.settings import load_settings
from tasks.orchestration import model_memory, training_memory

PLAN = Plan.model_validate_json(STORED.read_text(encoding="utf-8"))


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    for name, seed, answered in (("conversations", 0, False), ("recorded", 1, True)):
        (tmp_path / f"{name}.jsonl").write_text("".join(conversations(20, seed, answered=answered)))
    sources = (str(tmp_path / "conversations.jsonl"), "", str(tmp_path / "recorded.jsonl"))
    drafts = {"teacher": teacher_draft(TEACHER), "student": student_draft(STUDENT)}
    return parse_recipe(yaml.safe_load(draft_recipe(*sources, None, tmp_path, **drafts)))


def test_example_plan_has_the_memory_that_the_code_reckons_now(recipe, monkeypatch):
    monkeypatch.setattr(model_memory, "engine_machine", lambda _: find_machine({}, lambda: GPU))
    run = SimpleNamespace(recipe=recipe, settings=load_settings())
    # without a GPU it would be this machine's memory
    assert model_memory.named_models_memory(run) == PLAN.memory, "stale: run python -m docs.generate.plan_of_50000"


def test_example_plan_has_the_memory_of_training_that_the_code_reckons_now(recipe, monkeypatch):
    monkeypatch.setattr(training_memory, "engine_machine", lambda _: find_machine({}, lambda: GPU))
    monkeypatch.setattr(training_memory, "trains_on_gpu", lambda *_: True)
    run = SimpleNamespace(recipe=recipe, settings=load_settings())
    assert tuple(training_memory.trainings_memory(run)) == PLAN.training


def test_example_plan_has_a_request_for_each_conversation_and_the_drafted_recipes_longest_answer(recipe):
    prompts, tests = PLAN.most
    assert (prompts.requests, tests.requests) == (NUM_CONVERSATIONS, NUM_RECORDED)
    assert prompts.completion_tokens == NUM_CONVERSATIONS * recipe.teacher.sampling.max_tokens
    assert prompts.prompt_tokens == round(prompts.prompt_bytes / 4)
    assert PLAN.tokens is None


def test_example_conversations_end_with_the_turn_that_their_file_is_for():
    for answered, role in ((False, "user"), (True, "assistant")):
        found = [json.loads(line)["messages"] for line in conversations(50, 0, answered=answered)]
        assert {turns[-1]["role"] for turns in found} == {role}
        assert {sum(turn["role"] == "user" for turn in turns) for turns in found} == {1, 2, 3}
