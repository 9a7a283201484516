import json

import pytest
from transformers import LlamaConfig

from stillhouse.errors import ModelError
from stillhouse.inference.model_files import check_layers_present, check_model_files
from tests.support.model_folder import safetensors_of, write_model_folder

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 12345\n"
PAGE = b"<!DOCTYPE html><html><title>Sign in</title></html>"


@pytest.fixture
def folder(tmp_path):
    return write_model_folder(tmp_path / "model")


def refusal(folder) -> str:
    with pytest.raises(ModelError) as caught:
        check_model_files(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_check_model_files_whole_folder_passes(folder):
    check_model_files(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (POINTER, "Git LFS pointer.*git lfs pull"),
        (PAGE, "web page"),
        (b"\n  " + PAGE, "web page"),
        (b"weights", "is cut off"),
        (safetensors_of(missing=1), "is cut off: it ends after"),
        (safetensors_of()[:20], "is cut off"),
        ((4).to_bytes(8, "little") + b"\xff\xfe\x00\x01", "no weights in the safetensors format"),
        ((4).to_bytes(8, "little") + b"[1] ", "no weights in the safetensors format"),
    ],
)
def test_check_model_files_weights_that_are_none_are_named(folder, content, said):
    (folder / "model.safetensors").write_bytes(content)
    message = refusal(folder)
    assert str(folder / "model.safetensors") in message
    with pytest.raises(ModelError, match=said):
        check_model_files(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"])
@pytest.mark.parametrize("content", [b"", POINTER, PAGE, b"[1]", b"null", b"\xff\xfe\x00"])
def test_check_model_files_json_that_is_none_is_named(folder, name, content):
    (folder / name).write_bytes(content)
    assert str(folder / name) in refusal(folder)


def test_check_model_files_missing_shard_is_named(folder):
    (folder / "model.safetensors").rename(folder / "model-00001-of-00003.safetensors")
    weights = {"a": "model-00001-of-00003.safetensors", "b": "model-00002-of-00003.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    assert "not there: model-00002-of-00003.safetensors (1 in all)" in refusal(folder)


NOTE = b'{"__metadata__": {"format": "pt"}}'


def test_check_model_files_shard_with_a_note_alone_passes_beside_weights(folder):
    (folder / "note.safetensors").write_bytes(len(NOTE).to_bytes(8, "little") + NOTE)
    check_model_files(folder)


@pytest.mark.parametrize("header", [NOTE, b"{}"])
def test_check_model_files_headers_without_any_weights_are_refused(folder, header):
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert "no weights at all" in refusal(folder)


def write_layers(folder, *names: str) -> None:
    header = json.dumps({name: {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for name in names}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)


@pytest.mark.parametrize("prefix", ["model.layers", "transformer.h", "model.language_model.layers", "backbone.blocks"])
def test_check_layers_present_lacking_layers_are_counted(folder, prefix):
    config = LlamaConfig(num_hidden_layers=4)
    tower = [f"vision_tower.encoder.layers.{at}.w" for at in range(3)]
    write_layers(folder, *tower, *(f"{prefix}.{at}.mlp.w" for at in range(5)))  # one more predicts further tokens
    check_layers_present(folder, config)
    write_layers(folder, *tower, *(f"{prefix}.{at}.mlp.w" for at in (0, 3)))
    with pytest.raises(ModelError, match=r"lack [12] of the 4 layers .*first [13].*Fetch"):
        check_layers_present(folder, config)


def test_check_layers_present_names_without_layers_pass(folder):
    write_layers(folder, "w")
    check_layers_present(folder, LlamaConfig(num_hidden_layers=4))
