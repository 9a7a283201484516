"""The size of a student before its weights are loaded."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from stillhouse.students.size import num_parameters

VOCABULARY, HIDDEN, LAYERS = 50, 8, 4
LAYER = 3 * HIDDEN * HIDDEN


def write_model(folder: Path, is_tied: bool) -> None:
    config = {"model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS}
    sizes = {"num_attention_heads": 2, "intermediate_size": 16, "tie_word_embeddings": is_tied}
    (folder / "config.json").write_text(json.dumps(config | sizes))
    tensors = {f"layers.{index}": np.zeros(LAYER, dtype=np.float16) for index in range(LAYERS)}
    tensors |= {f"table.{index}": np.zeros((VOCABULARY, HIDDEN), dtype=np.float16) for index in range(2 - is_tied)}
    save_file(tensors, folder / "model.safetensors")


def test_num_parameters_are_those_of_the_files(tmp_path):
    write_model(tmp_path, is_tied=True)
    assert num_parameters(str(tmp_path), "", 0) == VOCABULARY * HIDDEN + LAYERS * LAYER


def test_num_parameters_of_a_cut_student_keep_the_embeddings_whole(tmp_path):
    write_model(tmp_path, is_tied=False)
    assert num_parameters(str(tmp_path), "", 3) == 2 * VOCABULARY * HIDDEN + 3 * LAYER


def test_num_parameters_of_a_cut_published_student_ask_no_hub(monkeypatch):
    monkeypatch.setattr("transformers.AutoConfig.from_pretrained", lambda *_, **__: pytest.fail("the hub was asked"))
    # half of the layers, by hand from the shape: 32 layers of 113,252,352 numbers, and a tied table with the last norm
    whole, table = 3_836_021_760, 200_064 * 3072
    assert num_parameters("microsoft/Phi-4-mini-instruct", "", 16) == table + (whole - table) // 2


def test_num_parameters_of_a_folder_without_weights_are_not_known(tmp_path):
    assert num_parameters(str(tmp_path), "", 0) is None
