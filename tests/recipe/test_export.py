"""The formats that a recipe names, and what is refused as it is read."""

from typing import Any

import pytest

from stillhouse.errors import RecipeError
from stillhouse.exports.formats import FORMATS
from stillhouse.recipe.export import Export
from stillhouse.recipe.load import parse_recipe
from tests.support.builders import make_recipe_fields

TWO = {"students": [{"name": "big one", "model": "owner/a"}, {"name": "small", "model": "owner/b"}], "student": None}


def keys(*entries: dict[str, Any], **fields: Any) -> list[str]:
    return [one.key for one in parse_recipe(make_recipe_fields(export=list(entries), **fields)).export]


def test_export_is_called_by_format_and_precision_where_there_are_several():
    assert keys({"format": "onnx"}, {"format": "gguf", "precision": "q4_0"}, {"format": "safetensors"}) == [
        "onnx-int8",
        "gguf-q4_0",
        "safetensors",
    ]


def test_export_of_a_named_student_is_called_by_it_too():
    assert keys({"format": "onnx", "student": "big one"}, {"format": "onnx"}, **TWO) == [
        "onnx-int8-big-one",
        "onnx-int8",
    ]


def test_export_takes_every_format_that_can_be_made():
    assert set(Export.model_fields["format"].annotation.__args__) == set(FORMATS)


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([{"format": "gguf", "precision": "int4"}], "'int4' of gguf: choose q8_0 or q4_0 or f16"),
        ([{"format": "onnx"}, {"format": "onnx", "precision": "int8"}], "export names onnx-int8 more than once"),
        ([{"format": "onnx", "student": "small"}], "export names the student 'small'; the recipe has"),
        ([{"format": "tflite"}], "tflite"),
    ],
)
def test_export_that_can_not_be_made_is_refused_in_one_line(entries: list[dict[str, Any]], says: str):
    with pytest.raises(RecipeError, match=says):
        keys(*entries)
