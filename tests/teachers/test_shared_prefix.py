"""What prompts share stands first in them, so that a provider's or an engine's cache holds it."""

import json
from typing import Any

import pytest

from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.classification import Classification
from stillhouse.teachers.prompting import Prompter
from tests.support.builders import make_row

LABELS = ("billing", "delivery")
EXAMPLES = [make_row(f"an example of {label}", label) for label in LABELS]


@pytest.mark.parametrize("layout", ["turns", "list"])
@pytest.mark.parametrize("num_examples", [0, 1])
def test_prompts_with_fixed_examples_differ_in_nothing_before_the_message(layout, num_examples):
    prompt: dict[str, Any] = {"layout": layout, "examples": num_examples, "selection": "fixed_per_label"}
    teacher = Teacher.model_validate({"model": "./teacher", "prompt": prompt})
    skill = Classification(labels=LABELS)
    rows = [make_row("Where is my parcel?", "delivery"), make_row("I paid twice", "billing")]
    first, second = Prompter(teacher, skill, LABELS, EXAMPLES).prompts(rows)
    assert first[:-1] == second[:-1]
    assert len(json.dumps(first[:-1])) > len(json.dumps(first[-1]))
