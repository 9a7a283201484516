from pathlib import Path
from typing import Any

import pytest
import yaml

from stillhouse.data.recipe_draft import draft_recipe
from stillhouse.errors import DataError, RecipeError
from stillhouse.recipe.load import load_recipe, parse_recipe
from stillhouse.url_credentials import has_password, hide_passwords

SECRET = "hunter2/x"
URL = f"s3://user:{SECRET}@bucket/rows.jsonl"


def fields() -> dict[str, Any]:
    return {
        "name": "tiny",
        "skill": {"labels": ["a", "b"]},
        "data": {"train": {"path": "rows.jsonl", "columns": {"text": "text"}}},
        "teachers": [{"model": "./teacher"}],
        "student": {"model": "owner/student"},
    }


@pytest.mark.parametrize(
    "text", [URL, "https://user:p@host/x", "https://user:p%40@host:8080/x", "http://:p@host", "redis://u:12a3@h"]
)
def test_has_password_address_with_one_is_seen(text: str) -> None:
    assert has_password(text)
    assert has_password(hide_passwords(text)) is False


@pytest.mark.parametrize(
    "text",
    [
        "https://host:8080/path@revision",
        "s3://bucket/prefix",
        "hf://datasets/owner/name@main",
        "https://user@host/x",
        "owner/name",
        "write to anna: see https://host or anna@host",
        "C:/data/x@y.jsonl",
    ],
)
def test_has_password_address_without_one_is_left(text: str) -> None:
    assert not has_password(text)
    assert hide_passwords(text) == text


@pytest.mark.parametrize("place", ["data.train.path", "teachers.0.model", "student.model", "data.test.path"])
@pytest.mark.parametrize("value", [URL, ["rows.jsonl", URL]])
def test_parse_recipe_address_with_a_password_is_refused_by_field_without_it(place: str, value: Any) -> None:
    content = fields()
    content["data"]["test"] = dict(content["data"]["train"])
    inner: Any = content
    *parents, last = place.split(".")
    for part in parents:
        inner = inner[int(part) if part.isdigit() else part]
    inner[last] = value
    with pytest.raises(RecipeError) as caught:
        parse_recipe(content)
    assert SECRET not in str(caught.value)
    assert place in str(caught.value)
    if isinstance(value, str):
        assert "s3://***@bucket/rows.jsonl" in str(caught.value)


def test_parse_recipe_mistake_beside_a_password_does_not_show_it() -> None:
    content = fields() | {"data": [URL]}
    with pytest.raises(RecipeError) as caught:
        parse_recipe(content)
    assert SECRET not in str(caught.value)


def test_load_recipe_own_address_broken_yaml_and_changes_do_not_show_it(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    for location, text, overrides in (
        (URL, "", {}),
        (str(path), f"data: {URL}: [", {}),
        (str(path), yaml.safe_dump(fields()), {"data.train.path": URL}),
    ):
        path.write_text(text)
        with pytest.raises(RecipeError) as caught:
            load_recipe(location, overrides)
        assert SECRET not in str(caught.value)


def test_draft_recipe_address_with_a_password_is_refused_without_it(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        draft_recipe(URL, "", "", None, tmp_path)
    assert SECRET not in str(caught.value)
