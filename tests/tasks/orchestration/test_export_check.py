"""What a recipe exports is checked before any work."""

from pathlib import Path
from typing import Any

import pytest

from stillhouse.errors import RecipeError
from stillhouse.recipe.load import parse_recipe
from stillhouse.runtime.settings import Settings
from tasks.orchestration import export_check
from tasks.orchestration.export_check import check_exports
from tests.support.builders import make_recipe_fields
from tests.support.model_folder import write_model_folder

ROPE = {"rope_theta": 10_000.0, "rope_type": "default"}


def check(settings: Settings, *entries: dict[str, Any], **fields: Any) -> None:
    check_exports(parse_recipe(make_recipe_fields(export=list(entries), **fields)), settings)


class Environment:
    """The packages of the engine environment, and how often they were asked for."""

    def __init__(self) -> None:
        self.packages = {"torch", "xllamacpp", "ctranslate2", "onnxruntime-genai", "onnx-ir"}
        self.looks = 0

    def look(self, settings: Settings) -> set[str]:
        self.looks += 1
        return self.packages


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Environment:
    made = Environment()
    monkeypatch.setattr(export_check, "_installed", made.look)
    return made


def test_export_check_without_exports_asks_nothing(settings: Settings, installed: Environment):
    check(settings)
    assert installed.looks == 0


def test_export_check_takes_a_family_that_the_formats_know_and_looks_once_for_their_packages(
    settings: Settings, tmp_path: Path, installed: Environment
):
    student = {"model": str(write_model_folder(tmp_path / "student", rope_parameters=ROPE))}
    check(settings, *({"format": name} for name in ("gguf", "ctranslate2", "onnx", "safetensors")), student=student)
    assert installed.looks == 1


@pytest.mark.parametrize("format_name", ["gguf", "ctranslate2", "onnx"])
def test_export_check_refuses_a_family_that_the_format_does_not_know(
    settings: Settings, tmp_path: Path, format_name: str
):
    folder = write_model_folder(tmp_path / "student", model_type="gpt2", architectures=["GPT2LMHeadModel"])
    with pytest.raises(RecipeError, match=rf"export.0: {format_name} can be made of no student.*gpt2") as refused:
        check(settings, {"format": format_name}, student={"model": str(folder)})
    assert "\n" not in str(refused.value)


def test_export_check_refuses_a_configuration_that_the_engine_computes_otherwise(settings: Settings, tmp_path: Path):
    folder = write_model_folder(tmp_path / "student", hidden_act="gelu", rope_parameters=ROPE)
    with pytest.raises(RecipeError, match=r"its activation is gelu, which llama\.cpp computes otherwise"):
        check(settings, {"format": "gguf"}, student={"model": str(folder)})


def test_export_check_of_a_student_with_fewer_heads_sees_those_that_are_left(settings: Settings, tmp_path: Path):
    student = {"model": str(write_model_folder(tmp_path / "student", rope_parameters=ROPE)), "cut": {"heads": 0.5}}
    check(settings, {"format": "gguf"}, student=student)
    with pytest.raises(RecipeError, match=r"its heads have 8 numbers, and its converter expects 16"):
        check(settings, {"format": "ctranslate2"}, student=student)


def test_export_check_takes_the_student_of_a_kind_that_the_format_knows(settings: Settings):
    encoder = {"name": "encoder", "kind": "encoder", "model": "owner/encoder"}
    both = {"student": None, "students": [encoder, {"name": "text", "model": "owner/text"}]}
    check(settings, {"format": "gguf"}, **both)
    with pytest.raises(RecipeError, match="encoder: takes students of kind causal_lm, and this one is of kind encoder"):
        check(settings, {"format": "gguf", "student": "encoder"}, **both)


def test_export_check_names_packages_that_are_missing_and_who_brings_them(settings: Settings, installed: Environment):
    installed.packages.remove("xllamacpp")
    with pytest.raises(RecipeError, match="gguf needs xllamacpp in the engine environment; run `make export`"):
        check(settings, {"format": "gguf"}, {"format": "onnx"})


def test_export_check_of_an_encoder_needs_no_package(settings: Settings, installed: Environment):
    installed.packages.clear()
    check(settings, {"format": "onnx"}, student={"kind": "encoder", "model": "owner/encoder"})
    assert installed.looks == 0
