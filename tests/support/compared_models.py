"""Folders of models that are compared before anything is loaded: a real tokenizer, a configuration, some weights."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from tests.support.families.tokenizers import byte_level, save, sentencepiece
from tests.support.model_folder import CONFIG


def write_compared(
    path: Path, *, words: str = "byte", specials: tuple[str, ...] = (), numbers: int = 40, **config: Any
) -> str:
    """Write a tokenizer of the kind `words` with further tokens, and `numbers` weights; return the folder."""
    make = byte_level if words == "byte" else sentencepiece
    save(make(["<|im_start|>", "<|im_end|>", *specials]), path, "{{ messages }}", {"eos_token": "<|im_end|>"})
    (path / "config.json").write_text(json.dumps(CONFIG | {"vocab_size": 640} | config))
    save_file({"w": np.zeros(numbers, np.float32)}, path / "model.safetensors")
    return str(path)
