"""Forms that can't be held to, or in which no answer could be read, are refused before work starts."""

import copy
from typing import Any

import pytest

from stillhouse.errors import RecipeError
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.recipe import Recipe
from stillhouse.teachers.prompting import Prompter

LABELS = ["billing", "goods", "C++"]
COLUMNS = {"text": "text", "label": "label"}


def recipe(output: dict[str, Any], skill: dict[str, Any] | None = None, **teacher: Any) -> Recipe:
    fields = {
        "name": "case",
        "skill": skill or {"kind": "classification", "labels": LABELS},
        "data": {role: {"path": f"{role}.jsonl", "columns": COLUMNS} for role in ("train", "test")},
        "teachers": [{"model": "./teacher", "output": output, **teacher}],
        "student": {"model": "./student"},
    }
    return parse_recipe(fields)


def refusal(output: dict[str, Any], **more: Any) -> str:
    with pytest.raises(RecipeError) as caught:
        recipe(output, **more)
    return str(caught.value)


QA: dict[str, Any] = {
    "skill": {"kind": "qa"},
}


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(billing|goods", "missing )"),
        ("billing|goods)", "unbalanced parenthesis"),
        ("*billing", "nothing to repeat"),
        ("[z-a]", "bad character range"),
        ("^(?!none)(billing|goods)$", "'(?!', which looks ahead or behind"),
        (r"billing(?= )|goods", "'(?=', which looks ahead or behind"),
        (r"(?<=\$)billing", "'(?<=', which looks ahead or behind"),
        (r"(billing|goods) \1", r"'\\1', which refers back to a group"),
        (r"(?P<x>goods)(?P=x)", "'(?P=', which refers back to a group"),
        (r"\bbilling\b", r"'\\b', which marks a place"),
        (r"billing\Z", r"'\\Z', which marks a place"),
        ("[0-9]{3}", "matches none of the labels 'billing', 'goods', 'C++'"),
        ("billing|\0", "NUL"),
    ],
)
def test_regex_that_decoding_cannot_follow_is_refused_with_the_part(pattern, words):
    message = refusal({"kind": "regex", "regex": pattern})
    assert message.count("\n") == 1
    assert "teachers.0.output.regex" in message
    assert words in message


@pytest.mark.parametrize(
    "pattern",
    [
        "(billing|goods)",
        "^(billing|goods)$",
        r"(?:billing|C\+\+)",
        '"(billing|goods)"',
        r"\*\*[a-z]+\*\*",
        "[A-Z][a-z]+",
        "BILLING",
        r"[(?=!\]\\b]*billing",
        r"\(\?=|billing",
        "(?i)billing",
        "(?<name>billing)",
    ],
)
def test_regex_that_gives_labels_is_accepted(pattern):
    assert recipe({"kind": "regex", "regex": pattern}).teachers[0].output.regex == pattern


def test_regex_of_a_skill_without_labels_may_match_anything():
    assert recipe({"kind": "regex", "regex": r"[0-9]{3}"}, **QA)
    assert "looks ahead" in refusal({"kind": "regex", "regex": "a(?!b)"}, **QA)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (["invoice", "goods"], "names 'invoice', and the labels are 'billing', 'goods', 'C++'"),
        (["billing", "billing"], "names 'billing' twice"),
        (["billing", " "], "holds an empty answer"),
        ([], "kind: choice and `choice` need each other"),
    ],
)
def test_choice_that_could_not_be_read_is_refused(choice, words):
    assert words in refusal({"kind": "choice", "choice": choice})


@pytest.mark.parametrize(
    "output", [{"kind": "choice", "choice": ["invoice"]}, {"kind": "regex", "regex": "[0-9]{3}"}], ids=str
)
def test_form_without_any_label_of_the_data_is_refused_before_a_prompt_is_made(output):
    found = recipe(output, skill={"kind": "classification"})
    with pytest.raises(RecipeError, match=r"^Teacher teacher: output\..*the labels .*'billing'"):
        Prompter(found.teachers[0], found.skill, LABELS, [])
    # the advice
    assert Prompter(recipe({"kind": "skill"}).teachers[0], found.skill, LABELS, [])


def test_choice_of_some_labels_in_another_case_is_accepted():
    assert recipe({"kind": "choice", "choice": ["Billing", "C++"]})


@pytest.mark.parametrize(
    ("schema", "place", "words"),
    [
        ({"type": "strnig"}, "output.json_schema.type", "'strnig' is no JSON schema"),
        ({"type": "object", "properties": {"a": {"type": "int"}}}, "output.json_schema.properties.a.type", "'int'"),
        ({"enum": "billing"}, "output.json_schema.enum", "'billing' is no JSON schema"),
        ({"type": "string", "maxLength": "9"}, "output.json_schema.maxLength", "'9'"),
        ({"type": "object", "required": True}, "output.json_schema.required", "True"),
    ],
)
def test_schema_that_is_none_is_refused_with_its_place(schema, place, words):
    message = refusal({"kind": "json_schema", "json_schema": schema}, **QA)
    assert f"teachers.0.{place}: " in message
    assert words in message


@pytest.mark.parametrize(
    "schema", [{"type": "object"}, {"type": "array", "items": {"type": "string"}}, {"type": "number"}]
)
def test_schema_whose_answers_are_no_labels_is_refused(schema):
    message = refusal({"kind": "json_schema", "json_schema": schema})
    assert "its answers are no labels" in message
    # the advice
    assert recipe({"kind": "skill"})


@pytest.mark.parametrize("schema", [{"enum": LABELS}, {"type": "string"}, {"type": ["string", "null"]}])
def test_schema_of_texts_is_accepted_for_labels(schema):
    assert recipe({"kind": "json_schema", "json_schema": schema})


CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "object", "properties": {}, "additionalProperties": False}},
    "required": ["answer"],
    "additionalProperties": False,
}


def of_openai(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "output": {"kind": "json_schema", "json_schema": schema},
        "model": "gpt",
        "endpoint": {"provider": "openai"},
        "accept_terms": "openai",
        **QA,
    }


def test_schema_of_a_strict_provider_is_accepted_if_it_is_closed():
    assert recipe(**of_openai(CLOSED))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda schema: schema.pop("additionalProperties"), "add additionalProperties: false"),
        (lambda schema: schema.pop("required"), "'answer' is not: add it"),
        (lambda schema: schema["properties"]["answer"].pop("additionalProperties"), "json_schema.properties.answer: "),
        (lambda schema: schema.update(type="array"), "are of type object"),
    ],
)
def test_schema_of_a_strict_provider_that_is_open_is_refused(change, words):
    schema = copy.deepcopy(CLOSED)
    change(schema)
    assert words in refusal(**of_openai(schema))


def test_stop_texts_that_end_every_answer_or_are_too_many_are_refused():
    assert "holds an empty text" in refusal({}, sampling={"stop": ["\n", ""]})
    fields = of_openai(CLOSED) | {"sampling": {"stop": list("abcde")}}
    assert "openai takes 4 at most" in refusal(**fields)


@pytest.mark.parametrize("seed", [2**32, 10**30])
def test_seed_that_no_library_takes_is_refused(seed):
    assert "less than 4294967296" in refusal({}, sampling={"seed": seed})
