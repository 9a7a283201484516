"""Recipes drafted for the students and teachers that are known by a short name."""

import json
from pathlib import Path

import pytest
import yaml

from stillhouse.costs.price import resolve_price
from stillhouse.data.model_drafts import STUDENTS, TEACHERS, student_draft, teacher_draft
from stillhouse.data.recipe_draft import draft_recipe
from stillhouse.errors import RecipeError
from stillhouse.inference.published_models import PUBLISHED_MODELS
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.recipe import Recipe

# those whose owners forbid to learn from them
BOUND = {"gpt": "openai", "claude": "anthropic"}


def drafted(folder: Path, teacher: str, student: str) -> str:
    rows = [
        {"messages": [{"role": "user", "content": f"Where is parcel {n}?"}, {"role": "assistant", "content": "Here."}]}
        for n in range(5)
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    drafts = {"teacher": teacher_draft(teacher), "student": student_draft(student)}
    return draft_recipe(str(folder / "rows.jsonl"), "", "", None, folder, **drafts)


def accepting(text: str) -> Recipe:
    return parse_recipe(yaml.safe_load(text.replace("# accept_terms:", "accept_terms:")))


@pytest.mark.parametrize("student", STUDENTS)
@pytest.mark.parametrize("teacher", TEACHERS)
def test_draft_of_each_student_with_each_teacher_is_a_recipe(tmp_path, teacher, student):
    recipe = accepting(drafted(tmp_path, teacher, student))
    # the rate and the number types follow the student's size and the device
    assert (recipe.training.method, recipe.training.learning_rate, recipe.training.precision) == ("lora", None, None)
    # the memory of whatever is not asked over an API is known without weights
    assert recipe.main_student.model in PUBLISHED_MODELS
    assert recipe.teacher.endpoint or recipe.teacher.model in PUBLISHED_MODELS
    longest = PUBLISHED_MODELS[recipe.main_student.model].shape["max_position_embeddings"]
    assert recipe.training.max_length <= longest


@pytest.mark.parametrize(("teacher", "owner"), BOUND.items())
def test_draft_of_a_teacher_whose_terms_forbid_it_leaves_their_acceptance_to_the_user(tmp_path, teacher, owner):
    text = drafted(tmp_path, teacher, "phi-4-mini")
    with pytest.raises(RecipeError, match=f"set teachers.0.accept_terms: {owner}"):
        parse_recipe(yaml.safe_load(text))
    assert accepting(text).teacher.accept_terms == owner


@pytest.mark.parametrize("teacher", sorted(TEACHERS.keys() - BOUND.keys()))
def test_draft_of_a_teacher_on_an_own_server_takes_its_address(tmp_path, teacher):
    text = drafted(tmp_path, teacher, "phi-4-mini")
    served = parse_recipe(yaml.safe_load(text.replace("# endpoint:", "endpoint:").replace("SET-THIS", "10.0.0.5")))
    assert served.teacher.endpoint.address == "http://10.0.0.5:8000/v1"


@pytest.mark.parametrize("teacher", BOUND)
def test_draft_of_a_hosted_teacher_has_a_list_price(tmp_path, teacher):
    recipe = accepting(drafted(tmp_path, teacher, "phi-4-mini"))
    assert resolve_price(recipe.teacher, recipe.costs).by_tokens


def test_draft_with_llama_says_that_the_name_begins_with_llama(tmp_path):
    assert drafted(tmp_path, "llama-3.1-405b", "phi-4-mini").count('"Built with Llama"') == 1
    assert drafted(tmp_path, "llama-3.1-405b", "llama-3.1-8b").count('"Built with Llama"') == 2
    assert "Llama" not in drafted(tmp_path, "deepseek-v3", "phi-4-mini")


def test_draft_of_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(RecipeError, match=r"--student 'phi-4' is not known; known: phi-4-mini, .* Did you mean"):
        student_draft("phi-4")
    with pytest.raises(RecipeError, match=r"--teacher 'gpt-9' is not known; known: deepseek-v3, "):
        teacher_draft("gpt-9")
