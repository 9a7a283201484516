"""The data and recipes of the chains of labels; the public sets are made small here."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from stillhouse.recipe.load import load_recipe
from tests.benchmarks.trained_teachers.labels import banking77, sick
from tests.benchmarks.trained_teachers.recipes import Chain, student_recipe, write_recipe

LABELS = ("contradiction", "entailment", "neutral")
TEXTS: dict[Callable[[Path | None], Chain], tuple[str, ...]] = {banking77: ("text",), sick: ("premise", "hypothesis")}


@pytest.fixture(params=TEXTS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Callable[[Path | None], Chain], Path]:
    """A chain's function and a folder with 3,000 training and 600 test rows."""
    for name, count in (("train", 3000), ("test", 600)):
        rows = [row(f"{name}-{at}", TEXTS[request.param], LABELS[at % 3]) for at in range(count)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    return request.param, tmp_path


def row(name: str, columns: tuple[str, ...], label: str) -> dict[str, Any]:
    return {"id": name, "label": label, **{column: f"{column} of {name}" for column in columns}}


def test_parts_of_a_chain_share_no_row_and_do_not_follow_the_order_of_the_files(made: Any):
    chain = made[0](made[1])
    parts = [{one["id"] for one in part} for part in (chain.gold, chain.few, chain.prompts, chain.test)]
    assert not any(one & other for one, other in combinations(parts, 2))
    assert len(chain.test) == 400
    assert parts[0] != {f"train-{at}" for at in range(len(chain.gold))}


def test_labelled_rows_of_a_chain_are_as_many_of_each_label(made: Any):
    counts = Counter(one["label"] for one in made[0](made[1]).few)
    assert counts.keys() == set(LABELS)
    assert len(set(counts.values())) == 1


def test_students_of_a_chain_are_half_the_teacher_less_than_that_and_two_encoders(made: Any, tmp_path: Path):
    fields = student_recipe(made[0](made[1]), "a-run")
    students = load_recipe(str(write_recipe(fields, tmp_path / "students.yaml")), {}).all_students
    assert [(one.kind, one.layers) for one in students] == [
        ("causal_lm", 15),
        ("causal_lm", 8),
        ("encoder", 0),
        ("encoder", 0),
    ]
    assert {one.model for one in students[:2]} == {"runs:/a-run"}
