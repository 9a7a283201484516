"""A new skill is a new file: the registry, the recipe's union, its schema and its messages follow."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stillhouse.skills.registry import METRICS, SKILLS
from tests.support.paths import ROOT

TOY = '''
from typing import ClassVar, Literal

from pydantic import Field

from stillhouse.metrics.metric import Metric
from stillhouse.skills.skill import Skill

SHOUTED = Metric("shouted", "share", lambda answer, references, skill: float((answer or "").isupper()), "shouted")


class Echo(Skill):
    """The message again, louder."""

    metrics: ClassVar[tuple[Metric, ...]] = (SHOUTED,)
    how_measured: ClassVar[str] = "Shouted is the share of answers in capitals."

    kind: Literal["echo"] = Field(description="the skill's name")
    marks: int = Field(1, ge=0, description="exclamation marks")
    instruction: str = Field("Shout.", description="system prompt of teacher and zero-shot baseline")

    def parse(self, text, labels=()):
        return text.strip() or None

    def verify(self, answer, references):
        return answer in references

    def equivalent(self, one, other):
        return one == other
'''
USE = """
import json
from stillhouse.completions.completion import Completion
from stillhouse.errors import RecipeError
from stillhouse.filters.pipeline import apply_filters
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.recipe import Recipe
from stillhouse.skills.registry import METRICS, SKILLS

fields = {
    "name": "tiny",
    "skill": {"kind": "echo", "marks": 3},
    "data": {"train": {"path": "rows.jsonl", "columns": {"text": "text"}}},
    "teachers": [{"model": "./teacher"}],
    "student": {"model": "owner/student"},
}
recipe = parse_recipe(fields)
ROW = {"id": "1", "messages": [{"role": "user", "content": "say it"}], "references": [], "meta": "{}"}
COMPLETION = Completion(
    key="k", text="HELLO", finish_reason="stop", prompt_tokens=1, completion_tokens=1, seconds=1.0, teacher="t",
    created="",
)
try:
    parse_recipe(fields | {"skill": {"kind": "ecko"}})
except RecipeError as error:
    message = str(error)
print(json.dumps({
    "kinds": list(SKILLS),
    "metrics": recipe.evaluation.metrics,
    "marks": recipe.skill.marks,
    "in_schema": "Echo" in Recipe.model_json_schema()["$defs"],
    "enum": Recipe.model_json_schema()["$defs"]["Evaluation"]["properties"]["metrics"]["items"]["enum"],
    "message": message,
    "scores": METRICS["shouted"].row_scores(["A", "a", None], [["a"]] * 3, recipe.skill),
    "kept": [candidate.answer for candidate in apply_filters([ROW], {"1": [COMPLETION]}, recipe.filters, recipe.skill,
        []).kept],
}))
"""


def test_registry_has_each_skill_and_metric_once_by_name():
    assert list(SKILLS) == sorted(SKILLS)
    assert all(skill.model_fields["instruction"].default for skill in SKILLS.values())
    assert {name for skill in SKILLS.values() for name in skill.metric_names()} == set(METRICS)


@pytest.mark.parametrize("kind", SKILLS)
def test_skill_file_has_an_example_row(kind):
    assert "Example row: {" in sys.modules[SKILLS[kind].__module__].__doc__


def test_registry_new_file_adds_a_skill_and_its_metric(tmp_path: Path):
    shutil.copytree(ROOT / "stillhouse", tmp_path / "stillhouse", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "stillhouse" / "skills" / "echo.py").write_text(TOY)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kinds"] == sorted([*SKILLS, "echo"])
    assert (found["metrics"], found["marks"], found["in_schema"]) == (["shouted"], 3, True)
    assert found["enum"] == sorted([*METRICS, "shouted"])
    assert (found["scores"], found["kept"]) == ([1.0, 0.0, 0.0], ["HELLO"])
    assert "'ecko' is not a skill; known: classification, conversation, echo" in found["message"]
    assert "Did you mean 'echo'?" in found["message"]
