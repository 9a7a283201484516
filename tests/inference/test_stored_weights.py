"""How large a model's weights are, without loading one."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import numpy as np
import pytest
from safetensors.numpy import save_file

from stillhouse.inference.stored_weights import loaded_bytes, stored_numbers

# as the hub describes deepseek-ai/DeepSeek-V3
DEEPSEEK = {"F8_E4M3": 680_571_043_840, "BF16": 3_918_786_560, "F32": 41_555_600}


def test_stored_numbers_of_a_folder_are_read_off_all_its_files(tmp_path: Path):
    save_file({"a": np.zeros((3, 4), np.float16), "b": np.zeros(5, np.int8)}, tmp_path / "model-1.safetensors")
    save_file({"c": np.zeros((2, 2), np.float16)}, tmp_path / "model-2.safetensors")
    assert stored_numbers(str(tmp_path)) == {"F16": 16, "I8": 5}


def test_stored_numbers_of_a_model_not_here_are_asked_of_the_hub(monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[str, str | None]] = []

    def model_info(self: Any, name: str, *, revision: str | None, timeout: float) -> SimpleNamespace:
        asked.append((name, revision))
        return SimpleNamespace(safetensors=SimpleNamespace(parameters=DEEPSEEK))

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    assert stored_numbers("owner/model", "v1") == DEEPSEEK
    assert asked == [("owner/model", "v1")]


def test_stored_numbers_of_a_published_model_are_known_without_the_hub(monkeypatch: pytest.MonkeyPatch):
    def model_info(*_: Any, **__: Any) -> None:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    assert stored_numbers("deepseek-ai/DeepSeek-V3", "main") == DEEPSEEK


@pytest.mark.parametrize("name", ["owner/model", "/no/such/folder/of/weights"])
def test_stored_numbers_without_a_network_are_not_known(name: str):
    assert stored_numbers(name) is None


def test_stored_numbers_of_a_half_fetched_model_are_not_taken_for_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    save_file({"a": np.zeros(4, np.float16)}, tmp_path / "model-1.safetensors")
    (tmp_path / "model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}'
    )
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(tmp_path))
    assert stored_numbers("owner/model") is None


@pytest.mark.parametrize(
    ("stored", "dtype", "quantization", "expected"),
    [
        ({"BF16": 100}, "bfloat16", "", 200),
        ({"F32": 100}, "bfloat16", "", 200),  # cast as it is loaded
        ({"BF16": 100}, "float32", "", 400),
        ({"F32": 100}, "auto", "", 200),
        ({"BF16": 100}, "bfloat16", "fp8", 100),
        ({"I32": 100, "F16": 10}, "bfloat16", "", 420),  # eight weights of four bits in each
        (DEEPSEEK, "bfloat16", "", 680_571_043_840 + 2 * (3_918_786_560 + 41_555_600)),
    ],
)
def test_loaded_bytes_cast_what_is_not_quantised(stored: dict[str, int], dtype: str, quantization: str, expected: int):
    assert loaded_bytes(Counter(stored), dtype, quantization) == expected
