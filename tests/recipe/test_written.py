"""Texts that YAML reads as something else: the message shows what the user wrote, and says to quote it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from stillhouse.errors import RecipeError
from stillhouse.recipe.load import load_recipe
from tests.support.builders import make_recipe_fields

MARK = "HERE"


def refusal(folder: Path, fields: dict[str, Any], written: str, overrides: dict[str, Any] | None = None) -> str:
    """Return the refusal of a recipe whose value HERE is written as `written`."""
    (folder / "recipe.yaml").write_text(yaml.safe_dump(fields).replace(MARK, written))
    with pytest.raises(RecipeError) as refused:
        load_recipe(str(folder / "recipe.yaml"), overrides)
    return str(refused.value)


def with_labels(*labels: Any) -> dict[str, Any]:
    return make_recipe_fields() | {"skill": {"kind": "classification", "labels": list(labels)}}


@pytest.mark.parametrize(
    "written",
    ["yes", "no", "on", "Off", "TRUE", "12:30", "1.0", "007", "0x1F", "1_000", ".5", "null", "~", "2024-01-31"],
)
def test_load_recipe_label_that_yaml_reads_as_something_else_is_shown_as_written(tmp_path: Path, written: str) -> None:
    message = refusal(tmp_path, with_labels("a", MARK), written)
    assert f"skill.labels.1: {written} is refused" in message
    assert f'put it in quotes as "{written}"' in message
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(with_labels("a", MARK)).replace(MARK, f'"{written}"'))
    assert load_recipe(str(tmp_path / "recipe.yaml")).skill.known_labels == ("a", written)


def test_load_recipe_every_such_label_has_its_line(tmp_path: Path) -> None:
    message = refusal(tmp_path, with_labels(MARK, "maybe", False), "yes")
    assert "skill.labels.0: yes is" in message
    assert "skill.labels.2: false is" in message


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (("data", "train", "columns", "label"), "data.train.columns.label"),
        (("data", "train", "columns", "text"), "data.train.columns.text"),
        (("teachers", 0, "model"), "teachers.0.model"),
    ],
)
def test_load_recipe_any_text_is_shown_as_written(tmp_path: Path, place: tuple[Any, ...], path: str) -> None:
    fields: Any = make_recipe_fields()
    section = fields
    for name in place[:-1]:
        section = section[name]
    section[place[-1]] = MARK
    message = refusal(tmp_path, fields, "on")
    assert f"{path}: on is refused: Input should be a valid string. YAML reads it as true or false" in message
    assert 'for a text put it in quotes as "on".' in message
    assert "tuple" not in message


def test_load_recipe_key_that_yaml_reads_as_something_else_is_shown_as_written(tmp_path: Path) -> None:
    fields = make_recipe_fields() | {"routing": {"kind": "label", "teachers": {MARK: "a"}}}
    assert "off is refused: Input should be a valid string. YAML reads it as true or false" in refusal(
        tmp_path, fields, "off"
    )


def test_load_recipe_override_is_shown_as_it_was_read(tmp_path: Path) -> None:
    message = refusal(tmp_path, with_labels("a", "b"), "", {"skill.labels": [True, "b"]})
    assert "skill.labels.0: True is refused" in message
    assert "put it in quotes." in message


def test_load_recipe_wrong_choice_is_shown_as_written(tmp_path: Path) -> None:
    fields = make_recipe_fields()
    fields["data"]["personal_data"] = MARK
    message = refusal(tmp_path, fields, "no")
    assert "data.personal_data: no is refused: Input should be 'allow', 'redact' or 'drop'." in message
