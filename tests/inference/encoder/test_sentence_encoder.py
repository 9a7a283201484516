"""A sentence encoder: its vectors by their definition, and one clear line for each wrong form."""

import json
from pathlib import Path

import numpy as np
import pytest

from stillhouse.errors import ModelError
from stillhouse.inference.encoder import files
from stillhouse.inference.encoder.files import find_encoder
from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder
from stillhouse.recipe.encoder import Encoder
from tests.support.encoder import TABLE, write_encoder


def load(path: Path) -> SentenceEncoder:
    found = find_encoder(Encoder(model=str(path)))
    assert found is not None
    return SentenceEncoder(found)


def test_encode_is_the_mean_of_the_tokens_vectors_at_length_one(tmp_path):
    found = load(write_encoder(tmp_path)).encode(["red car", "dog", "red"])
    mean = (TABLE[3] + TABLE[1]) / 2
    assert np.allclose(found, [mean / np.linalg.norm(mean), [0, 0, 1], [0.8, 0, 0.6]])


def test_encode_text_alone_is_what_it_is_among_others(tmp_path):
    encoder = load(write_encoder(tmp_path))
    assert (encoder.encode(["red car"])[0] == encoder.encode(["dog", "red car", "car car car dog"])[1]).all()


def test_encode_takes_pooling_and_length_from_the_folder(tmp_path):
    write_encoder(tmp_path, graph="onnx/model.onnx")
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    assert np.allclose(load(tmp_path).encode(["red car", "dog car"]), [[0.8, 0, 0.6], [0, 0, 1]])
    (tmp_path / "1_Pooling" / "config.json").unlink()
    (tmp_path / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 1}))
    assert np.allclose(load(tmp_path).encode(["red car"]), [[0.8, 0, 0.6]])


def test_find_encoder_is_identified_by_the_content_of_its_files(tmp_path):
    one, other = (find_encoder(Encoder(model=str(write_encoder(tmp_path / name)))) for name in "ab")
    assert one.files == other.files
    assert set(one.files) == {"model.onnx", "tokenizer.json"}
    assert find_encoder(Encoder(model=str(tmp_path / "a" / "model.onnx"))).files == one.files
    changed = find_encoder(Encoder(model=str(write_encoder(tmp_path / "c", TABLE + 1))))
    assert changed.files["model.onnx"] != one.files["model.onnx"]


def test_find_encoder_default_that_was_not_fetched_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    assert find_encoder(Encoder()) is None
    assert files.why_none(Encoder()) == "no encoder; `make model` fetches one"
    write_encoder(tmp_path / ".models" / "all-MiniLM-L6-v2-int8")
    assert find_encoder(Encoder()).name == "all-MiniLM-L6-v2-int8"
    assert find_encoder(None) is None


def empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


def pickled(folder: Path) -> Path:
    (empty(folder) / "pytorch_model.bin").write_bytes(b"weights")
    return folder


def weights_file(folder: Path) -> Path:
    (empty(folder) / "model.safetensors").write_bytes(b"weights")
    return folder / "model.safetensors"


def without_tokenizer(folder: Path) -> Path:
    (write_encoder(folder) / "tokenizer.json").unlink()
    return folder


def broken_tokenizer(folder: Path) -> Path:
    (write_encoder(folder) / "tokenizer.json").write_text("{}")
    return folder


def pointer(folder: Path) -> Path:
    (write_encoder(folder) / "model.onnx").write_text("version https://git-lfs.github.com/spec/v1\n")
    return folder


def other_pooling(folder: Path) -> Path:
    (write_encoder(folder) / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_max_tokens": True}))
    return folder


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder, "does not exist. Name a folder"),
        (empty, "holds nothing; it needs model.onnx"),
        (pickled, r"pickled weights \(pytorch_model.bin\) are refused"),
        (weights_file, "is a file, but no .onnx file"),
        (without_tokenizer, "has no tokenizer.json beside its graph"),
        (broken_tokenizer, "is no tokenizer: .*Fetch it again"),
        (pointer, "is no ONNX model: .*Fetch it again"),
        (other_pooling, "only mean and CLS pooling are known"),
        (lambda folder: write_encoder(folder, TABLE[:3]), "its tokenizer has 4 tokens, which may not be its own"),
        (lambda folder: write_encoder(folder, output="logits"), "is no sentence encoder: it gives logits"),
        (lambda folder: write_encoder(folder, TABLE * np.nan), "gives no finite vector"),
    ],
)
def test_encoder_of_a_wrong_form_is_refused_in_one_line(tmp_path, make, says):
    with pytest.raises(ModelError, match=says) as caught:
        load(make(tmp_path / "encoder"))
    assert "\n" not in str(caught.value)
