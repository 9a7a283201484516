"""An encoder student in transformers: the float weights that training left, with their linear layer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stillhouse.inference.encoder.files import pooling_of, stated_max_tokens
from stillhouse.inference.encoder.label_encoder import read_labels
from stillhouse.inference.encoder.runtime import Vectors
from stillhouse.inference.loading import Loading
from stillhouse.students.encoder.base import load_encoder
from stillhouse.students.encoder.export import HEAD


class TorchEncoder:
    """A student that is loaded; calls come one at a time."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Load encoder, tokenizer, linear layer and labels on `threads` threads of the CPU.

        Raises:
            ModelError: one of them can't be read, or they don't fit together.
        """
        import torch
        from safetensors.torch import load_file

        from stillhouse.students.encoder.classifier import EncoderClassifier

        torch.set_num_threads(threads)
        self.labels = read_labels(folder)
        encoder, self._tokenizer = load_encoder(str(folder), "")
        self._most = stated_max_tokens(folder)
        with Loading(f"The {HEAD} of {folder} can't be loaded", "Export it again"):
            head = load_file(folder / HEAD)
            self._model = EncoderClassifier(encoder, pooling_of(folder), len(self.labels)).eval()
            self._model.set_head(head["weight"], head["bias"])

    def logits(self, texts: Sequence[str]) -> Vectors:
        """Return the logits of the labels for each text, [texts, labels]."""
        import torch

        from stillhouse.students.encoder.classifier import encode_all

        rows = self._tokenizer(list(texts), truncation=True, max_length=self._most)["input_ids"]
        with torch.inference_mode():
            return np.asarray(self._model.head(encode_all(self._model, self._tokenizer, rows)), dtype=np.float32)

    def mean_tokens(self, texts: Sequence[str]) -> float:
        """Return how many tokens of a text are read, in the mean."""
        rows = self._tokenizer(list(texts), truncation=True, max_length=self._most)["input_ids"]
        return float(np.mean([len(row) for row in rows]))
