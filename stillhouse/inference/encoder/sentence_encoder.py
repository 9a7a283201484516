"""A sentence encoder in onnxruntime: texts to vectors of length 1. It needs no torch."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from stillhouse.errors import ModelError
from stillhouse.inference.encoder.files import EncoderFiles
from stillhouse.inference.encoder.runtime import FAILURES, Vectors, each, open_graph, open_tokenizer, run_one
from stillhouse.inference.loading import one_line

_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}
_VECTORS = ("last_hidden_state", "token_embeddings")
# by which a broken encoder shows before any work starts; the letters reach far into a vocabulary
_SAMPLE = "A sample: zebra, Ünïcode, 12345, 日本語."


class SentenceEncoder:
    """An encoder that is loaded; `encode` may be called from several threads."""

    def __init__(self, files: EncoderFiles) -> None:
        """Load the graph and the tokenizer.

        Raises:
            ModelError: one of them can't be read, the graph is no sentence encoder, or the two don't fit.
        """
        self._name = files.name
        self._pooling = files.pooling
        self._tokenizer = open_tokenizer(files.tokenizer, files.max_tokens)
        self._session = _load_graph(files)
        self._inputs = [one.name for one in self._session.get_inputs()]
        self._output = _output_of(one.name for one in self._session.get_outputs())
        self._check()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one float32 vector of length 1 for each text, [texts, dimensions]."""
        return each(self._vector, texts)

    def _vector(self, text: str) -> Vectors:
        tokens = run_one(self._session, self._tokenizer, text, self._output)  # [tokens, dimensions]
        vector = tokens[0] if self._pooling == "cls" else tokens.mean(axis=0)
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), dtype=np.float32)

    def _check(self) -> None:
        """Raise a ModelError unless the graph takes the tokenizer's whole vocabulary and gives finite vectors."""
        last = self._tokenizer.get_vocab_size() - 1
        given = {"input_ids": [[0, last]], "attention_mask": [[1, 1]], "token_type_ids": [[0, 0]]}
        try:
            self._session.run([self._output], {name: np.asarray(given[name]) for name in self._inputs})
            vector = self._vector(_SAMPLE)
        except FAILURES as error:
            raise ModelError(
                f"Encoder {self._name} fails on a sample text: its tokenizer has {last + 1:,} tokens, which may not be "
                f"its own. Fetch graph and tokenizer from one place. onnxruntime says: {one_line(error, 200)}."
            ) from error
        if not np.isfinite(vector).all():
            raise ModelError(f"Encoder {self._name} gives no finite vector for a text. Name another encoder.")


def _load_graph(files: EncoderFiles) -> Any:
    session = open_graph(files.graph)
    inputs = [one.name for one in session.get_inputs()]
    outputs = {one.name: one.shape for one in session.get_outputs()}
    if not {"input_ids"} <= set(inputs) <= _INPUTS:
        raise _no_encoder(files, f"it takes {', '.join(inputs[:4])}")
    # [texts, tokens, dimensions]; a language model's output has that form too
    if "logits" in outputs or len(outputs[_output_of(outputs)]) != 3:
        raise _no_encoder(files, f"it gives {', '.join(list(outputs)[:4])}")
    return session


def _output_of(outputs: Iterable[str]) -> str:
    """Return the output with a vector a token; by name, or else the first."""
    names = list(outputs)
    return next((name for name in names if name in _VECTORS), names[0])


def _no_encoder(files: EncoderFiles, what: str) -> ModelError:
    return ModelError(
        f"{files.graph} is no sentence encoder: {what}, where an encoder takes input_ids and attention_mask and gives "
        "last_hidden_state. Name an encoder's ONNX file, exported for feature extraction."
    )
