"""Recipes that ask for on-policy training, and what contradicts it."""

import pytest

from stillhouse.config import identity
from stillhouse.errors import RecipeError
from stillhouse.recipe.checks.recipe import find_problems
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.training import Training
from tests.support.builders import make_recipe_fields

SERVED = {"model": "org/teacher", "endpoint": {"provider": "vllm", "base_url": "http://127.0.0.1:8000/v1"}}


def problems_of(training: dict, teachers: list[dict] | None = None) -> list[str]:
    fields = make_recipe_fields() | {"training": {"kind": "on_policy", **training}}
    if teachers is not None:
        fields["teachers"] = teachers
    try:
        return list(find_problems(parse_recipe(fields)))
    except RecipeError as error:
        return str(error).splitlines()


def test_on_policy_with_a_teacher_served_here_is_accepted():
    assert problems_of({}) == []


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"packing": True}, "training.packing"),
        ({"execution": {"processes": 2}}, "training.execution.processes: 2 is not supported"),
        ({"lora": {"target_modules": ["lm_head"]}, "method": "lora"}, "names lm_head"),
        ({"on_policy": {"server_tokens": 4}}, "server_tokens is of teacher: server"),
        ({"on_policy": {"teacher": "server"}}, "no teacher has endpoint.provider: vllm"),
    ],
)
def test_on_policy_setting_that_it_cannot_follow_is_named(training, said):
    assert any(said in line for line in problems_of(training))


def test_on_policy_weights_of_a_teacher_behind_an_endpoint_names_the_server_as_remedy():
    (line,) = (line for line in problems_of({}, [SERVED]) if "teacher's weights" in line)
    assert "training.on_policy.teacher to server" in line


def test_on_policy_server_of_a_private_vllm_is_accepted():
    assert problems_of({"on_policy": {"teacher": "server"}}, [SERVED]) == []


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"kd_temperature": 2.0}, "kd_temperature: 2 would soften the student alone"),
        ({"bridge": "gold"}, "bridge: gold compares whole distributions"),
        ({"server_tokens": 5}, "server_tokens: 5 is for beta: 0"),
    ],
)
def test_on_policy_server_what_it_does_not_send_is_refused(own, said):
    assert any(said in line for line in problems_of({"on_policy": {"teacher": "server", **own}}, [SERVED]))


def test_on_policy_server_that_gets_redacted_prompts_is_refused():
    public = {"model": "org/teacher", "endpoint": {"provider": "vllm", "base_url": "https://gpu.example.org/v1"}}
    assert any("personal_data to allow" in line for line in problems_of({"on_policy": {"teacher": "server"}}, [public]))


def test_on_policy_bridge_needs_no_equal_tokens():
    assert Training(kind="on_policy").needs_same_tokens
    assert not Training(kind="on_policy", on_policy={"bridge": "gold"}).needs_same_tokens
    assert not Training(kind="on_policy", on_policy={"teacher": "server"}).needs_teacher


def test_on_policy_defaults_leave_older_fingerprints_as_they_were():
    assert "on_policy" not in identity(Training())
