"""Which recipes may train on a teacher's log-probabilities, and what their teachers are asked for."""

import pytest

from stillhouse.config import identity
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.teaching.logits import LogitsSettings
from stillhouse.recipe.training import Training
from tests.support.builders import make_api_teacher, make_recipe_fields, make_routed_fields, refusal_of

LOGITS = {"kind": "logits", "logits": {"k": 12}}
QA = {"kind": "qa"}
VLLM = {"model": "big", "endpoint": {"provider": "vllm", "base_url": "http://127.0.0.1:8000/v1"}}


@pytest.mark.parametrize(("own", "asked"), [(0, 12), (5, 12), (20, 20)])
def test_teacher_is_asked_for_as_many_log_probabilities_as_students_learn(own, asked):
    recipe = parse_recipe(make_recipe_fields({"model": "./teacher", "sampling": {"logprobs": own}}, training=LOGITS))
    assert recipe.asked_teacher(0).sampling.logprobs == asked
    assert recipe.teacher.sampling.logprobs == own


def test_teacher_of_other_recipes_is_asked_as_it_is_written():
    recipe = parse_recipe(make_recipe_fields(training={"logits": {"k": 12}}))
    assert recipe.top_logprobs == 0
    assert recipe.asked_teacher(0) == recipe.teacher


def test_most_of_several_students_is_asked_for():
    students = [
        {"model": "a/one", "training": LOGITS},
        {"model": "a/two", "training": {"kind": "logits", "logits": {"k": 3}}},
        {"model": "a/three"},
    ]
    fields = make_recipe_fields(students=students)
    del fields["student"]
    assert parse_recipe(fields).top_logprobs == 12


def test_vllm_server_gives_log_probabilities():
    assert parse_recipe(make_recipe_fields(VLLM, training=LOGITS)).asked_teacher(0).sampling.logprobs == 12


@pytest.mark.parametrize("provider", ["deepseek", "openai"])
def test_provider_without_log_probabilities_by_id_is_refused_with_the_remedy(provider):
    message = refusal_of(make_recipe_fields(make_api_teacher(provider), training=LOGITS))
    assert (
        f"training.kind: logits learns the teacher's log-probabilities by token id, and provider {provider}" in message
    )
    assert "take training.kind: sft" in message


def test_k_above_what_servers_give_is_refused():
    assert "training.logits.k" in refusal_of(make_recipe_fields(training={"kind": "logits", "logits": {"k": 21}}))


def test_reverse_kl_is_refused_without_draws_and_why():
    message = refusal_of(make_recipe_fields(training={"kind": "logits", "logits": {"loss": "reverse_kl"}}))
    assert "of tokens beyond the k likeliest nobody knows the teacher's: set draws to 12" in message
    drawn = {"kind": "logits", "logits": {"loss": "reverse_kl", "draws": 12}}
    assert parse_recipe(make_recipe_fields(skill=QA, training=drawn)).token_draws.draws == 12


def test_draws_ask_the_teacher_for_no_log_probabilities():
    recipe = parse_recipe(make_recipe_fields(skill=QA, training={"kind": "logits", "logits": {"draws": 12}}))
    assert recipe.asked_teacher(0) == recipe.teacher
    assert parse_recipe(make_recipe_fields(training=LOGITS)).token_draws is None


def test_draws_of_labels_are_refused():
    message = refusal_of(make_recipe_fields(training={"kind": "logits", "logits": {"draws": 12}}))
    assert "training.logits.draws: 12 tokens stand for a distribution that is not known whole" in message


@pytest.mark.parametrize("teacher", [None, VLLM])
def test_draws_that_a_reverse_kl_needs_are_refused_with_advice_that_is_taken(teacher):
    teachers, skill = [teacher] if teacher else [], {"skill": QA} if teacher else {}
    refused = {"kind": "logits", "logits": {"loss": "reverse_kl", "draws": 12}}
    message = refusal_of(make_recipe_fields(*teachers, **skill, training=refused))
    assert "set draws to 0 and loss to skewed_forward_kl" in message
    advised = {"kind": "logits", "logits": {"loss": "skewed_forward_kl", "draws": 0}}
    assert parse_recipe(make_recipe_fields(*teachers, **skill, training=advised))


def test_draws_of_a_teacher_behind_an_endpoint_are_refused():
    message = refusal_of(make_recipe_fields(VLLM, training={"kind": "logits", "logits": {"draws": 12}}))
    assert "training.logits.draws: 12 are drawn by the teacher's own weights, and teachers.0 is behind" in message


def test_students_that_learn_other_draws_are_refused():
    students = [
        {"model": "a/one", "training": {"kind": "logits", "logits": {"draws": 12}}},
        {"model": "a/two", "training": {"kind": "logits", "logits": {"draws": 12, "temperature": 2.0}}},
    ]
    fields = make_recipe_fields(students=students)
    del fields["student"]
    assert "training.logits: all students learn one set of draws, at one temperature" in refusal_of(fields)


def test_soft_labels_beside_logits_are_refused():
    message = refusal_of(make_recipe_fields(training=LOGITS | {"soft_labels": {"weight": 0.5}}))
    assert "training.soft_labels and kind: logits teach the same tokens twice: leave soft_labels out" in message


def test_teacher_weights_are_one_for_each_teacher():
    def fields(*weights):
        return make_routed_fields(training={"kind": "logits", "logits": {"teacher_weights": list(weights)}})

    assert "training.logits.teacher_weights: [0.5] is not one number for each of `teachers`, which are 2" in refusal_of(
        fields(0.5)
    )
    assert "teacher_weights: 1.5 is refused: give each teacher a number from 0 to 1" in refusal_of(fields(0.5, 1.5))
    assert parse_recipe(fields(0.5, 1.0)).training.logits.weight_of(1) == 0.5


def test_logits_enter_the_identity_of_training_only_if_they_are_set():
    assert "logits" not in identity(Training())
    assert identity(Training(logits=LogitsSettings(k=5)))["logits"]["k"] == 5
