"""Run by the engine's Python for test_worker.py: an encoder student's logits as a user computes them from its folder.

Command: `python -m tests.support.workers.load_encoder FOLDER TEXT...`; prints the logits as JSON. It uses transformers
and the files alone, nothing of ours.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer


def main(folder: Path, texts: list[str]) -> None:
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    head = load_file(folder / "head.safetensors")
    found = []
    for text in texts:
        with torch.no_grad():
            tokens = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        vector = tokens.mean(dim=0)
        found.append((head["weight"] @ (vector / vector.norm()) + head["bias"]).tolist())
    sys.stdout.write(json.dumps({"labels": model.config.id2label, "logits": found}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
