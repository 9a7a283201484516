from typing import Any

import pytest

from stillhouse.artifacts.fingerprint import fingerprint
from stillhouse.config import identity
from stillhouse.filters.settings import Filters
from stillhouse.recipe.judge import SCORES, VERDICTS, Judge
from stillhouse.recipe.load import load_recipe, parse_recipe
from stillhouse.recipe.teacher import Teacher
from stillhouse.recipe.terms import TERMS
from tests.support.builders import make_recipe_fields, refusal_of, write_recipe

FREE = {"model": "owner/judge"}
FILTER = {"min_judge_score": 3}
ENDPOINT = {"provider": "deepseek"}


def recipe(judge: dict[str, Any] | None = None, filters: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    made = make_recipe_fields() | {"skill": {"kind": "conversation"}} | more
    return made | ({"judge": judge} if judge else {}) | ({"filters": filters} if filters else {})


def test_judge_defaults_compare_greedily_with_teacher_and_baseline():
    judge = parse_recipe(recipe(FREE)).judge
    assert judge is not None
    assert judge.against == ("teacher", "baseline")
    assert (judge.sampling.temperature, judge.sampling.max_tokens) == (0.0, 16)


def test_min_judge_score_without_a_judge_is_refused():
    assert "filters.min_judge_score needs a judge" in refusal_of(recipe(filters=FILTER))


def test_judge_without_pairs_and_scores_is_refused():
    assert "judge would do nothing" in refusal_of(recipe(FREE | {"against": []}))
    assert parse_recipe(recipe(FREE | {"against": []}, FILTER)).filters.min_judge_score == 3


@pytest.mark.parametrize("kind", ["classification", "nli"])
def test_judge_of_labels_is_refused(kind):
    assert f"those of a {kind} are right or wrong" in refusal_of(
        make_recipe_fields() | {"skill": {"kind": kind}, "judge": FREE}
    )


@pytest.mark.parametrize(
    ("judge", "expected"),
    [
        ({"modle": "x"}, "Did you mean 'model'?"),
        ({"against": ["champion"]}, "judge.against.0"),
        ({"against": ["teacher", "teacher"]}, "against: teacher, teacher names one twice"),
        ({"sampling": {"n": 2, "temperature": 0.7}}, "one verdict a question"),
        ({"sampling": {"logprobs": 2}}, "one verdict a question"),
        (
            {"criteria": "x", "pair_instruction": "A, B or C?", "score_instruction": "1 to 5?"},
            "criteria would not be shown",
        ),
        ({"endpoint": ENDPOINT, "dtype": "float32"}, "has no effect behind an endpoint"),
        ({"endpoint": ENDPOINT, "sampling": {"seed": 3}}, "sampling.seed is not taken by provider deepseek"),
        ({"endpoint": {"provider": "vllm"}}, "needs a base_url"),
    ],
)
def test_judge_with_wrong_settings_is_refused(judge, expected):
    message = refusal_of(recipe(FREE | judge))
    assert expected in message
    assert "judge" in message


@pytest.mark.parametrize("score", [0, 6, 2.5])
def test_min_judge_score_out_of_range_is_refused(score):
    assert "filters.min_judge_score" in refusal_of(recipe(FREE, {"min_judge_score": score}))


def test_judge_that_chooses_training_examples_is_refused_by_its_terms():
    judge = {"model": "gpt-4o-mini", "endpoint": {"provider": "openai"}}
    message = refusal_of(recipe(judge, FILTER))
    assert TERMS["openai"].url in message
    assert "set judge.accept_terms: openai" in message
    accepted = parse_recipe(recipe(judge | {"accept_terms": "openai"}, FILTER))
    assert accepted.judge is not None
    assert accepted.judge.accept_terms == "openai"


def test_judge_that_only_measures_is_accepted_with_any_terms():
    assert parse_recipe(recipe({"model": "gpt-4o-mini", "endpoint": {"provider": "openai"}})).judge is not None


def test_judge_of_the_students_family_is_exempt_from_its_terms():
    judge = {"model": "meta-llama/Meta-Llama-3-70B"}
    own = recipe(judge, FILTER, student={"model": "meta-llama/Meta-Llama-3-8B"})
    assert parse_recipe(own).judge is not None
    assert "llama3" in refusal_of(recipe(judge, FILTER))


def test_judge_left_out_changes_no_fingerprint():
    assert "judge" not in identity(parse_recipe(recipe()))
    assert fingerprint("filter", 1, {"filters": identity(Filters())}, {}) == fingerprint(
        "filter", 1, {"filters": identity(Filters(min_judge_score=None))}, {}
    )
    assert "min_judge_score" not in identity(Filters())
    assert identity(Filters(min_judge_score=2))["min_judge_score"] == 2


def test_judge_path_is_resolved_from_the_recipes_folder(tmp_path):
    (tmp_path / "models" / "judge").mkdir(parents=True)
    found = load_recipe(write_recipe(tmp_path, recipe({"model": "models/judge"}))).judge
    assert found is not None
    assert found.model == str(tmp_path / "models" / "judge")


def test_judge_behind_an_endpoint_is_not_resolved_as_a_path(tmp_path):
    (tmp_path / "deepseek-chat").mkdir()
    found = load_recipe(write_recipe(tmp_path, recipe({"model": "deepseek-chat", "endpoint": ENDPOINT}))).judge
    assert found is not None
    assert found.model == "deepseek-chat"


@pytest.mark.parametrize(
    ("endpoint", "held"),
    [(None, True), ({"provider": "openai"}, True), ({"provider": "vllm", "base_url": "http://h/v1"}, True)]
    + [({"provider": provider}, False) for provider in ("deepseek", "anthropic")],
)
@pytest.mark.parametrize("choices", [VERDICTS, SCORES])
def test_judge_output_is_limited_to_choices_if_enforceable(endpoint, held, choices):
    judge = Judge.model_validate(FREE | {"endpoint": endpoint})
    output = judge.as_teacher(choices).output
    assert (output.kind, output.choice) == (("choice", choices) if held else ("free", ()))


def test_judge_as_teacher_survives_a_workers_json():
    judge = Judge.model_validate(FREE | {"endpoint": ENDPOINT, "sampling": {"temperature": 0.5, "max_tokens": 9}})
    teacher = judge.as_teacher(VERDICTS)
    read = Teacher.model_validate_json(teacher.model_dump_json())
    assert read == teacher
    assert (read.sampling.max_tokens, read.endpoint) == (9, judge.endpoint)
