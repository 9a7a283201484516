import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models

from stillhouse.errors import ModelError
from stillhouse.inference.loading import Loading, load_config, load_tokenizer

CONFIG = {"model_type": "llama", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "b"}))
    Tokenizer(models.BPE(vocab={"a": 0, "b": 1}, merges=[])).save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def refusal(call, folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        call(str(folder))
    said = str(caught.value)
    assert str(folder) in said
    assert "\n" not in said
    return said


def test_load_whole_folder_is_read(folder):
    assert load_config(str(folder)).hidden_size == 32
    assert load_tokenizer(str(folder)).eos_token == "b"


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "frobnicate"},
        {"model_type": None},
        {"hidden_size": "large"},
        {"num_attention_heads": 0},
        {"num_attention_heads": 3},
        {"num_hidden_layers": None},
        {"rope_scaling": {"type": "longrope"}},
        {"layer_types": ["x", "y"]},
        {"model_type": "frob", "auto_map": {"AutoConfig": "own_code.Config"}},
    ],
)
def test_load_config_value_that_can_not_be_is_one_line(folder, change):
    (folder / "config.json").write_text(json.dumps(CONFIG | change))
    assert "config.json" in refusal(load_config, folder)


@pytest.mark.parametrize("content", [b"", b"version https://git-lfs", b"<html>", b"[1]", b"null", b"\xff\xfe\x00"])
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("config.json", load_config),
        ("tokenizer.json", load_tokenizer),
        ("tokenizer_config.json", load_tokenizer),
        ("special_tokens_map.json", load_tokenizer),
    ],
)
def test_load_file_of_another_kind_is_one_line(folder, name, call, content):
    (folder / name).write_bytes(content)
    refusal(call, folder)


@pytest.mark.parametrize(
    "change", [{"model": {"type": "Zork"}}, {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["zz yy"]}}]
)
def test_load_tokenizer_of_an_unknown_kind_is_one_line(folder, change):
    # tokenizers raises Exception itself
    whole = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(whole | change))
    refusal(load_tokenizer, folder)


def test_load_tokenizer_none_is_one_line_with_what_to_do(folder):
    (folder / "tokenizer.json").unlink()
    assert "Give its folder all files" in refusal(load_tokenizer, folder)


def test_loading_an_interrupt_and_an_error_of_ours_pass():
    for error in (KeyboardInterrupt(), ModelError("ours"), AssertionError()):
        with pytest.raises(type(error)) as caught, Loading("No"):
            raise error
        assert caught.value is error
