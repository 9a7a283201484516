"""A teacher and the validation rows of a recipe's own."""

from pathlib import Path

import pytest

from stillhouse.artifacts.store import StoreConfig
from stillhouse.data.turns import write_rows
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.cases import read_splits
from stillhouse.teachers.requests import rows_of
from stillhouse.teachers.spec import AskSpec
from tests.support.builders import make_row
from tests.support.dataset import LABELS, SKILL


@pytest.fixture
def spec(tmp_path: Path) -> AskSpec:
    tables = {
        "train": [make_row("a"), make_row("b", "pet")],
        # ids are unique in their source alone
        "validation": [make_row("v"), *(make_row(name, "car", source="validation") for name in ("b", "c", "e"))],
        "examples": [make_row(name, "pet", source="examples") for name in ("e", "a", "f")],
    }
    for name, rows in tables.items():
        write_rows(tmp_path / f"{name}.parquet", rows)
    return AskSpec(
        model_path="teacher",
        teacher=Teacher(model="./teacher"),
        teacher_fingerprint="t" * 64,
        skill=SKILL,
        labels=LABELS,
        rows=(str(tmp_path / "train.parquet"), str(tmp_path / "validation.parquet")),
        skip_labelled=True,
        examples=str(tmp_path / "examples.parquet"),
        store=StoreConfig(url=str(tmp_path / "store")),
    )


def asked(spec: AskSpec, **changes: bool) -> list[tuple[str, str]]:
    return [(row["id"], row["source"]) for row in rows_of(spec.model_copy(update=changes))]


def test_rows_of_a_teacher_hold_no_validation_row_of_the_recipes_own(spec: AskSpec) -> None:
    assert asked(spec) == [("a", "train"), ("v", "train")]
    assert asked(spec, skip_labelled=False) == [("a", "train"), ("b", "train"), ("v", "train")]


def test_rows_of_a_teacher_that_checks_labels_hold_those_with_an_id_of_their_own(spec: AskSpec) -> None:
    own = [("c", "validation"), ("e", "validation")]
    assert asked(spec, check_labels=True) == [*asked(spec, skip_labelled=False), *own, ("f", "examples")]


def test_splits_that_a_teacher_answers_hold_no_validation_row_of_the_recipes_own(spec: AskSpec, tmp_path: Path) -> None:
    train, validation = read_splits(tmp_path, tmp_path, SKILL)
    assert ([row["id"] for row in train], [row["id"] for row in validation]) == (["a", "b"], ["v"])
