"""Several teachers in a recipe: their names, and which routing and mixing is accepted or refused."""

import re
from typing import Any

import pytest
import yaml

from stillhouse.config import identity
from stillhouse.recipe.load import parse_recipe
from stillhouse.skills.registry import SKILLS
from tests.support.builders import LARGE, SMALL, make_recipe_fields, make_routed_fields, refusal_of
from tests.support.paths import ROOT

ALL_ROWS = {"training": {"use_references": False}}  # teachers answer rows with a reference too


def test_teacher_without_name_takes_its_models_name():
    recipe = parse_recipe(make_routed_fields({"model": "owner/one"}, {"model": "./files/two.Q4.gguf"}, LARGE))
    assert [teacher.display_name for teacher in recipe.teachers] == ["one", "two.Q4", "large"]
    assert recipe.teacher is recipe.teachers[0]


def test_teachers_with_one_name_are_refused():
    message = refusal_of(make_routed_fields({"model": "owner/one"}, {"model": "other/one"}))
    assert "several teachers are called 'one': give each its own `name`" in message


@pytest.mark.parametrize("name", ["has space", "-x", "a/b", "x" * 61])
def test_teacher_name_unfit_for_a_path_is_refused(name: str):
    assert "teachers.0.name" in refusal_of(make_routed_fields({**SMALL, "name": name}, LARGE))


def test_routing_defaults_are_not_in_the_identity():
    found = identity(parse_recipe(make_recipe_fields()))
    assert "routing" not in found
    assert "mixing" not in found
    assert identity(parse_recipe(make_recipe_fields() | {"teachers": [{"model": "./teacher", "name": "one"}]})) == found
    assert identity(parse_recipe(make_routed_fields(routing={"kind": "fallback"})))["routing"]["kind"] == "fallback"


@pytest.mark.parametrize("part", [{"routing": {"kind": "fallback"}}, {"mixing": {"kind": "vote"}}])
def test_routing_and_mixing_with_one_teacher_are_refused(part: dict[str, Any]):
    name = next(iter(part))
    assert f"{name} is for several teachers, and `teachers` holds one" in refusal_of(make_recipe_fields() | part)


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"routing": {"kind": "fallback"}},
        {"routing": {"kind": "source", "teachers": {"web": "large"}}},
        {"routing": {"kind": "source", "column": "channel", "teachers": {"web": "small"}, "default": "large"}},
        {"routing": {"kind": "label", "teachers": {"a": "large"}}, "label": "intent", **ALL_ROWS},
        {"routing": {"kind": "first_verified"}, "label": "intent", **ALL_ROWS},
        {"mixing": {"kind": "vote"}},
        {"mixing": {"kind": "best"}, "label": "intent", **ALL_ROWS},
    ],
)
def test_routing_with_all_it_needs_is_accepted(parts: dict[str, Any]):
    assert parse_recipe(make_routed_fields(**parts)).has_several


def test_routing_example_of_the_guide_is_accepted():
    guide = (ROOT / "docs" / "guides" / "several-teachers.md").read_text()
    example = re.search(r"```yaml\n(.*?)```", guide, re.DOTALL)
    assert example
    recipe = parse_recipe(make_recipe_fields() | yaml.safe_load(example[1]))
    assert [teacher.display_name for teacher in recipe.teachers] == ["small", "large"]
    assert recipe.routing.kind == "fallback"


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        ({"kind": "source"}, "routing.kind: source needs routing.teachers"),
        ({"kind": "fallback", "teachers": {"web": "large"}}, "are for kind source and label; kind is fallback"),
        ({"kind": "fallback", "default": "large"}, "are for kind source and label; kind is fallback"),
        ({"column": "channel"}, "routing.column is for kind: source; kind is all"),
        (
            {"kind": "source", "teachers": {"web": "lage"}},
            "routing.teachers.web: no teacher is called 'lage'; they are small, large. Did you mean 'large'?",
        ),
        (
            {"kind": "source", "teachers": {"web": "large"}, "default": "smal"},
            "routing.default: no teacher is called 'smal'; they are small, large. Did you mean 'small'?",
        ),
        ({"kind": "source", "teachers": {"web": "small"}}, "teacher 'large' would get no prompt"),
        ({"kind": "label", "teachers": {"a": "large"}}, "needs a column `label`, and data.train.columns names none"),
        ({"kind": "first_verified"}, "needs a column `reference` or `label`, and data.train.columns names none"),
    ],
)
def test_routing_that_is_empty_or_wrong_is_refused(routing: dict[str, Any], expected: str):
    assert expected in refusal_of(make_routed_fields(routing=routing))


@pytest.mark.parametrize(
    "parts",
    [
        {"routing": {"kind": "label", "teachers": {"a": "large"}}},
        {"routing": {"kind": "first_verified"}},
        {"mixing": {"kind": "best"}},
    ],
)
def test_routing_by_references_of_rows_without_prompts_is_refused(parts: dict[str, Any]):
    assert "set training.use_references to false" in refusal_of(make_routed_fields(label="intent", **parts))


@pytest.mark.parametrize("rule", ["verification", "unparsable"])
def test_first_verified_without_verifying_filters_is_refused(rule: str):
    message = refusal_of(
        make_routed_fields(label="intent", routing={"kind": "first_verified"}, filters={rule: False}, **ALL_ROWS)
    )
    assert "leave filters.verification and filters.unparsable on" in message


@pytest.mark.parametrize("kind", ["vote", "best"])
def test_mixing_with_one_answer_a_prompt_is_refused(kind: str):
    message = refusal_of(
        make_routed_fields(label="intent", routing={"kind": "fallback"}, mixing={"kind": kind}, **ALL_ROWS)
    )
    assert f"mixing.kind: {kind} chooses among the answers of several teachers" in message


@pytest.mark.parametrize("kind", ["summarization", "conversation"])
def test_mixing_of_free_texts_by_vote_or_verifier_is_refused(kind: str):
    content = make_routed_fields(mixing={"kind": "vote"}, **ALL_ROWS) | {"skill": {"kind": kind}}
    content["data"]["train"]["columns"]["reference"] = "gold"
    assert f"mixing.kind: vote counts equal answers, and free texts never are; skill.kind is {kind}" in refusal_of(
        content
    )
    assert f"an answer of a {kind} neither agrees with a reference nor" in refusal_of(
        content | {"mixing": {"kind": "best"}}
    )
    without = {name: part for name, part in content.items() if name != "mixing"}
    assert f"an answer of a {kind} neither agrees with a reference nor" in refusal_of(
        without | {"routing": {"kind": "first_verified"}}
    )


def test_mixing_by_judge_needs_a_judge_and_its_terms():
    free = {"skill": {"kind": "summarization"}, "mixing": {"kind": "best", "by": "judge"}}
    assert "mixing.by: judge needs a judge" in refusal_of(make_routed_fields(**free))
    judge = {"model": "owner/judge-32B", "against": []}
    recipe = parse_recipe(make_routed_fields(**free, judge=judge))
    assert recipe.judge_chooses
    message = refusal_of(make_routed_fields(**free, judge={"model": "gpt-5", "endpoint": {"provider": "openai"}}))
    assert "chooses training examples" in message
    assert "mixing.by: judge is for kind: best" in refusal_of(make_routed_fields(**free | {"mixing": {"by": "judge"}}))


@pytest.mark.parametrize("kind", SKILLS)
def test_skill_verifies_only_if_its_verifier_decides(kind: str):
    verdict = SKILLS[kind](kind=kind).verify("an answer", ["another"])
    assert SKILLS[kind].verifies == (verdict is not None)


CALIBRATED = {"calibration": "batch"}


@pytest.mark.parametrize(
    ("routing", "refused"),
    [
        ({"kind": "all"}, []),
        ({"kind": "fallback"}, ["teachers.1"]),
        ({"kind": "source", "teachers": {"web": "large"}}, ["teachers.0", "teachers.1"]),
    ],
)
def test_calibration_of_a_teacher_with_some_prompts_is_refused(routing: dict[str, Any], refused: list[str]):
    content = make_routed_fields(SMALL | CALIBRATED, LARGE | CALIBRATED, routing=routing)
    if not refused:
        assert parse_recipe(content).has_several
        return
    message = refusal_of(content)
    for field in ("teachers.0", "teachers.1"):
        assert (f"{field}.calibration: batch takes a mean over all training prompts" in message) == (field in refused)


@pytest.mark.parametrize(
    ("second", "parts", "expected"),
    [
        ({"model": "meta-llama/Llama-2-70b-chat-hf"}, {}, "set teachers.1.accept_terms: llama2"),
        (LARGE | CALIBRATED, {"skill": {"kind": "qa"}}, "calibration: batch needs a skill with labels"),
        (
            LARGE | {"prompt": {"selection": "nearest_per_label"}},
            {"skill": {"kind": "qa"}},
            "needs a skill with labels",
        ),
        (
            LARGE | {"prompt": {"layout": "text"}},
            {"skill": {"kind": "qa"}},
            "prompt.layout: text does not mark its end",
        ),
        (
            LARGE | {"sampling": {"max_tokens": 90}},
            {"skill": {"kind": "qa"}, "evaluation": {"max_tokens": 64}},
            "evaluation.max_tokens: 64 would cut answers that teachers.1.sampling.max_tokens: 90",
        ),
        (
            {"model": "served", "endpoint": {"provider": "bedrock", "base_url": "https://x.invalid/v1"}},
            {"filters": {"min_probability": 0.4}},
            "filters.min_probability would drop every answer of teachers.1: provider bedrock",
        ),
        (
            LARGE | {"prompt": {"examples": 2}},
            {"skill": {"kind": "summarization", "chain_of_density": 2}},
            "does not go with skill.chain_of_density",
        ),
    ],
)
def test_checks_of_a_teacher_apply_to_each_of_several(second: dict[str, Any], parts: dict[str, Any], expected: str):
    assert expected in refusal_of(make_routed_fields(SMALL, second) | parts)


def test_evaluation_max_tokens_is_the_largest_of_the_teachers():
    content = make_routed_fields(SMALL, LARGE | {"sampling": {"max_tokens": 300}}) | {"skill": {"kind": "qa"}}
    assert parse_recipe(content).evaluation.max_tokens == 300


def test_problem_that_ends_a_sentence_gets_no_second_mark():
    routing = {"kind": "source", "teachers": {"mail": "smal"}}
    message = refusal_of(make_routed_fields(SMALL, LARGE, routing=routing))
    assert "Did you mean" in message
    assert ".." not in message
    assert "?." not in message


def test_tested_teachers_are_all_unless_one_is_named():
    recipe = parse_recipe(make_routed_fields())
    assert [one.display_name for one in recipe.tested_teachers.values()] == ["small", "large"]
    named = parse_recipe(make_routed_fields(evaluation={"teacher": "large"}))
    assert [one.display_name for one in named.tested_teachers.values()] == ["large"]
    assert (named.measured_index, named.measured_teacher.display_name) == (1, "large")
    assert recipe.comparing_with(1).measured_teacher.display_name == "large"


def test_measured_teacher_that_is_none_of_the_teachers_is_refused():
    message = refusal_of(make_routed_fields(evaluation={"teacher": "larg"}))
    assert "evaluation.teacher: no teacher is called 'larg'; they are small, large." in message
    assert "large" in message.rpartition("they are small, large.")[2]
