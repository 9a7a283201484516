"""Forms that no engine can hold an answer to, and forms in which no answer could be right: `teachers.N.output`.

An engine would say so only when it is asked, after the stages before it, and an endpoint with its first request.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import regex
from jsonschema import SchemaError
from jsonschema.validators import validator_for

from stillhouse.recipe.endpoint import Endpoint
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.teacher import Output, Teacher
from stillhouse.skills.skill import Skill

# parts of a pattern: what an escape or a class holds is no syntax
_PARTS = regex.compile(r"\\k<|\\[0-9bBAZzG]|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?(?:<?[=!]|P=)", regex.DOTALL)
_NO_GRAMMAR = {
    **dict.fromkeys(("(?=", "(?!", "(?<=", "(?<!"), "looks ahead or behind"),
    **dict.fromkeys(("(?P=", r"\k<", *(rf"\{number}" for number in range(1, 10))), "refers back to a group"),
    **dict.fromkeys((r"\b", r"\B", r"\A", r"\Z", r"\z", r"\G"), "marks a place; an answer is matched from end to end"),
}
# what a label may stand between and is still read
_AROUND = (("", ""), ('"', '"'), ("'", "'"), ("“", "”"), ("**", "**"), ("(", ")"), ("[", "]"), (" ", ""), ("", "."))
# their schemas are strict: each object closed, and all of its properties required
_STRICT = ("openai", "azure")
_MOST_STOPS = 4


def find_output_problems(recipe: Recipe) -> Iterator[str]:
    """Yield a line for each form of an answer that can't be held to, or that no answer of the skill has."""
    for index, teacher in enumerate(recipe.teachers):
        refused = [*_pattern(teacher.output), *_choice(teacher.output)]
        problems = (
            # what can't be held to is not asked for labels
            refused or find_unreadable_forms(teacher.output, recipe.skill, recipe.skill.known_labels),
            _schema(teacher.output, recipe.skill, teacher.endpoint),
            _stop(teacher),
        )
        yield from (f"teachers.{index}.{problem}" for problem in itertools.chain.from_iterable(problems))


def find_unreadable_forms(output: Output, skill: Skill, labels: Sequence[str]) -> Iterator[str]:
    """Yield a line for a form of answers that are none of `labels`; nothing if there are none, or not known yet."""
    if not labels or not skill.has_labels:
        return
    if output.regex and not any(regex.fullmatch(output.regex, text) for text in _written(labels)):
        yield (
            f"output.regex: {output.regex!r} matches none of the labels {_some(labels)}, so that no answer could be "
            "read: write them as alternatives, or take output.kind: skill"
        )
    if unknown := [choice for choice in output.choice if skill.parse(choice, labels) is None]:
        yield (
            f"output.choice names {_some(unknown)}, and the labels are {_some(labels)}: such an answer could not be "
            "read. Name labels of skill.labels, or take output.kind: skill"
        )


def _pattern(output: Output) -> Iterator[str]:
    pattern = output.regex
    if not pattern:
        return
    try:
        regex.compile(pattern)
    except regex.error as error:
        yield f"output.regex: {pattern!r} is no regular expression: {error}. Mend it there"
        return
    refused = {part: _NO_GRAMMAR[part] for part in _PARTS.findall(pattern) if part in _NO_GRAMMAR}
    for part, what in refused.items():
        yield (
            f"output.regex: {pattern!r} has {part!r}, which {what}, and decoding can't be held to that: write the "
            "allowed answers out, as (yes|no)"
        )
    if "\0" in pattern:
        yield "output.regex holds the character NUL, which no engine takes: leave it out"


def _written(labels: Sequence[str]) -> Iterator[str]:
    """Yield the ways to write each label that a parser reads."""
    for label in labels:
        for form in dict.fromkeys((label, label.lower(), label.upper(), label.capitalize())):
            yield from (f"{before}{form}{after}" for before, after in _AROUND)


def _choice(output: Output) -> Iterator[str]:
    choices = output.choice
    if repeated := sorted({choice for choice in choices if choices.count(choice) > 1}):
        yield f"output.choice names {_some(repeated)} twice: name each answer once"
    if any(not choice.strip() for choice in choices):
        yield "output.choice holds an empty answer: remove it, or say the answer that it stands for"


def _schema(output: Output, skill: Skill, endpoint: Endpoint | None) -> Iterator[str]:
    schema = output.json_schema
    if not schema:
        return
    try:
        validator_for(schema).check_schema(schema)
    except SchemaError as error:
        place = ".".join(map(str, ("output.json_schema", *error.absolute_path)))
        yield f"{place}: {error.instance!r} is no JSON schema: {error.message}. Write it as json-schema.org says"
        return
    types = schema.get("type", "string")
    if skill.has_labels and "string" not in ([types] if isinstance(types, str) else types):
        yield (
            f"output.json_schema of type {types!r}: its answers are no labels and could not be read. Take "
            "output.kind: skill, which allows the labels alone"
        )
    elif endpoint and endpoint.provider in _STRICT and "vllm" not in endpoint.offered:
        yield from _strictness(schema, endpoint.provider)


def _strictness(schema: dict[str, Any], provider: str) -> Iterator[str]:
    if schema.get("type") != "object":
        yield f"output.json_schema: the schemas of {provider} are of type object: put the answer into a property of one"
    for place, part in _objects(schema, "output.json_schema"):
        missing = [name for name in part.get("properties", {}) if name not in part.get("required", [])]
        if part.get("additionalProperties") is not False:
            yield f"{place}: {provider} takes closed objects alone: add additionalProperties: false"
        if missing:
            yield f"{place}: {provider} wants every property in `required`, and {_some(missing)} is not: add it"


def _objects(schema: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object schema in `schema`, with where it stands."""
    if isinstance(schema, list):
        for number, part in enumerate(schema):
            yield from _objects(part, f"{place}.{number}")
    elif isinstance(schema, dict):
        if schema.get("type") == "object":
            yield place, schema
        for name, part in schema.items():
            if name not in ("enum", "const", "default", "examples"):
                yield from _objects(part, f"{place}.{name}")


def _stop(teacher: Teacher) -> Iterator[str]:
    endpoint, stop = teacher.endpoint, teacher.sampling.stop
    if endpoint and endpoint.provider in _STRICT and len(stop) > _MOST_STOPS:
        yield f"sampling.stop: {len(stop)} texts, and {endpoint.provider} takes {_MOST_STOPS} at most: leave some out"
    if "" in stop:
        yield "sampling.stop holds an empty text, which would end every answer before it begins: remove it"


def _some(values: Any) -> str:
    shown = ", ".join(repr(value) for value in list(values)[:5])
    return f"{shown} …" if len(values) > 5 else shown
