"""Every field of a recipe and every setting is read by the code. A user would believe one that no code reads."""

import ast
import re
import typing
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from stillhouse.artifacts.config import StoreConfig
from stillhouse.recipe.recipe import Recipe
from stillhouse.runtime.settings import Settings
from stillhouse.skills.registry import SKILLS
from tests.support.field_usage import Reading
from tests.support.paths import ROOT

CLASSES = frozenset(skill.__name__ for skill in SKILLS.values())
# names of sections without a type annotation: a metric takes any skill, stages get sections by name
UNTYPED = {
    "skill": CLASSES,
    "evaluation": frozenset(["Evaluation"]),
    "teacher": frozenset(["Teacher"]),
    "student": frozenset(["Student"]),
    "training": frozenset(["Training"]),
}
LEFT_OUT = (
    "stillhouse/recipe/checks/",  # only refusals are made of what these read
    "stillhouse/reports/schema/",  # its classes are called like the recipe's
)
# read, but in a way that `Reading` does not follow
BY_NAME = {
    **{("Output", name): "getattr(output, output.kind)" for name in ("choice", "regex", "json_schema")},
}


def sources() -> Iterator[ast.Module]:
    for folder in ("stillhouse", "tasks", "flows", "deployments"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if str(path.relative_to(ROOT)).startswith(LEFT_OUT):
                continue
            yield ast.parse(path.read_text(encoding="utf-8"))


def models_in(annotation: typing.Any) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}.union(*(models_in(field.annotation) for field in annotation.model_fields.values()))
    return set().union(*(models_in(argument) for argument in typing.get_args(annotation)))


def unread(reading: Reading, models: typing.Iterable[type[BaseModel]]) -> set[tuple[str, str]]:
    """Return the fields that no code reads, of the class itself or of one that inherits or is inherited."""
    missing = set()
    for model in models:
        for name in model.model_fields:
            related = {model.__name__, *(base.__name__ for base in model.__mro__)}
            if not any((one, name) in reading.reads for one in related):
                missing.add((model.__name__, name))
    return missing


@pytest.fixture(scope="module")
def reading() -> Reading:
    return Reading(sources(), {"Skill": CLASSES, "AnySkill": CLASSES}, UNTYPED)


@pytest.mark.pitfall("no effect")
def test_recipe_fields_are_each_read_by_the_code(reading):
    models = models_in(Recipe)
    assert len(models) > 20
    assert unread(reading, models) == set(BY_NAME)


@pytest.mark.pitfall("no effect")
def test_settings_are_each_read_by_the_code(reading):
    assert unread(reading, [Settings, StoreConfig]) == set()


@pytest.mark.pitfall("no effect")
def test_settings_page_lists_the_variables_that_the_code_reads():
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    named = set(re.findall(r"`([A-Z][A-Z0-9_]{5,})`", page))
    code = "".join(
        path.read_text()
        for folder in ("stillhouse", "tasks", "infra", "deployments")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "variables.py"  # it only describes them
    )
    # read by Prefect and by botocore themselves
    foreign = {name for name in named if name.startswith(("PREFECT_", "AWS_"))}
    assert len(named) > 15
    assert {name for name in named - foreign if name not in code} == set()
    # marks the processes of `make up`, and is between a server and its engine; no user sets them
    internal = {"STILLHOUSE_STARTED_BY", "STILLHOUSE_ENGINE_API_KEY"}
    assert set(re.findall(r'"(STILLHOUSE_[A-Z0-9_]+[A-Z0-9])"', code)) - internal <= named


def test_reading_follows_sections_and_distinguishes_equal_names():
    code = """
class Balance: temperature: float; cap: int
class Sampling: temperature: float; seed: int
class Teacher:
    sampling: Sampling
    @field_validator("sampling")
    def check(self): return self.sampling.seed
class Recipe:
    teachers: tuple[Teacher, ...]
    balance: Balance
    @property
    def teacher(self) -> Teacher: return self.teachers[0]
class Holder:
    def __init__(self, rule: Balance): self.rule = rule
    def size(self): return self.rule.cap
def work(recipe: Recipe):
    chosen = recipe.teacher
    return [one.temperature for one in [chosen.sampling]]
"""
    found = Reading([ast.parse(code.replace("; ", "\n    ").replace(": temp", ":\n    temp"))], {}, {}).reads
    assert {("Sampling", "temperature"), ("Balance", "cap")} <= found
    assert not {("Balance", "temperature"), ("Sampling", "seed")} & found
