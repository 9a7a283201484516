"""A base that can't become an encoder student is refused before work, in one line that says what to do."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stillhouse.artifacts.hash_memory import HashMemory
from stillhouse.errors import ModelError
from stillhouse.inference.models import identify
from stillhouse.recipe.load import parse_recipe
from stillhouse.recipe.student import Student
from stillhouse.runtime.settings import load_settings
from stillhouse.students.encoder.base import check_encoder, max_tokens
from tasks.orchestration.preflight import start_run
from tests.support.bert_folder import VOCABULARY, write_bert_folder, write_tokenizer
from tests.support.builders import make_recipe_fields


def other_vocabulary(folder: Path) -> None:
    write_tokenizer(folder, VOCABULARY[:12])


def larger_vocabulary(folder: Path) -> None:
    write_tokenizer(folder, (*VOCABULARY, "more"))


def other_padding(folder: Path) -> None:
    write_tokenizer(folder, ("[UNK]", "[PAD]", *VOCABULARY[2:]))


def no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()


def language_model(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "llama"}))


def decoder(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"is_decoder": True}))


def pooled_otherwise(folder: Path) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_max_tokens": true}')


def lacks_layers(folder: Path) -> None:
    header = b'{"encoder.layer.0.w": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)


def test_check_encoder_whole_folder_passes(tmp_path: Path):
    check_encoder(str(write_bert_folder(tmp_path / "bert")))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (no_tokenizer, "(?i)no tokenizer"),
        (other_vocabulary, r"is of another model: it has 12 tokens, and the model has 17.*from one place"),
        (larger_vocabulary, r"is of another model: it has 18 tokens, and the model has 17"),
        (other_padding, r"is of another model: it has token 1 for padding, and the model has 0"),
        (language_model, r"is no encoder: its config.json says model_type 'llama', which writes text.*causal_lm"),
        (decoder, r"is no encoder: .*'bert', with a decoder"),
        (pooled_otherwise, "only mean and CLS pooling"),
    ],
)
def test_check_encoder_of_a_wrong_form_is_refused_in_one_line(spoil: Callable[[Path], None], says: str, tmp_path: Path):
    folder = write_bert_folder(tmp_path / "bert")
    spoil(folder)
    with pytest.raises(ModelError, match=says) as refused:
        check_encoder(str(folder))
    assert "\n" not in str(refused.value)


def test_check_encoder_pickled_weights_are_refused(tmp_path: Path):
    folder = write_bert_folder(tmp_path / "bert")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="pickled weights are refused"):
        identify(str(folder), "", HashMemory(tmp_path / "hashes"))


def test_start_run_refuses_an_encoder_before_any_work(tmp_path: Path):
    folder = write_bert_folder(tmp_path / "bert", model_type="llama")
    fields = make_recipe_fields({"model": "owner/teacher"}, student={"kind": "encoder", "model": str(folder)})
    with pytest.raises(ModelError, match="is no encoder"):
        start_run(parse_recipe(fields), load_settings(), [])
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    fields["student"]["model"] = str(tmp_path / "model.gguf")
    with pytest.raises(ModelError, match="kind encoder is the file"):
        start_run(parse_recipe(fields), load_settings(), [])


class Length:
    """What a configuration and a tokenizer say of their lengths."""

    model_type, pad_token_id, max_position_embeddings, model_max_length = "roberta", 1, 514, 10**30


def test_max_tokens_is_the_least_of_all_that_bound_it():
    assert max_tokens(None, Length, Length, 4096) == 512
    assert max_tokens(256, Length, Length, 4096) == 256
    assert max_tokens(256, Length, Length, 64) == 64


def test_student_is_called_by_its_name_or_its_models():
    assert [Student(model="owner/small").display_name, Student(model="m/x", name="mine").display_name] == [
        "small",
        "mine",
    ]
