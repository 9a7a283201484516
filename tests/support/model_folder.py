"""A model's folder that passes every check before work, with weights that nothing loads."""

import json
from pathlib import Path
from typing import Any

from stillhouse.recipe.student import MINIMAL_CHATML
from tests.support.families.tokenizers import byte_level, save

CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 32,
    "num_hidden_layers": 30,
    "num_attention_heads": 4,
    "eos_token_id": 1,
}


def safetensors_of(data: bytes = b"weights!", missing: int = 0) -> bytes:
    """Return a file of weights whose header counts `missing` more bytes than `data` has."""
    end = len(data) + missing
    header = json.dumps({"w": {"dtype": "U8", "shape": [end], "data_offsets": [0, end]}}).encode()
    return len(header).to_bytes(8, "little") + header + data


def write_model_folder(folder: Path, template: str | None = MINIMAL_CHATML, **config: Any) -> Path:
    """Write the files and return the folder."""
    save(
        byte_level(["<|im_start|>", "<|im_end|>"]),
        folder,
        template,
        {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"},
    )
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    (folder / "model.safetensors").write_bytes(safetensors_of())
    return folder
