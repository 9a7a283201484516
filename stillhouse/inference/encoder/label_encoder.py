"""An encoder student as it is served: an int8 graph in onnxruntime that gives a text one of its labels."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stillhouse.errors import ModelError
from stillhouse.inference.encoder.files import stated_max_tokens
from stillhouse.inference.encoder.runtime import FAILURES, Vectors, each, open_graph, open_tokenizer, run_one
from stillhouse.inference.loading import one_line

# where exporters put it, and where readers of ONNX models look
GRAPH = "onnx/model_quantized.onnx"


class LabelEncoder:
    """A student that is loaded; it may be called from several threads."""

    def __init__(self, folder: Path) -> None:
        """Load graph, tokenizer and labels from a student's folder.

        Raises:
            ModelError: one of them can't be read, or they don't fit together.
        """
        self.labels = read_labels(folder)
        self._tokenizer = open_tokenizer(str(folder / "tokenizer.json"), stated_max_tokens(folder))
        self._session = open_graph(str(folder / GRAPH))
        try:
            found = self._logits("A sample.")
        except FAILURES as error:
            raise ModelError(f"{folder / GRAPH} fails on a sample text: {one_line(error, 200)}.") from error
        if found.shape != (len(self.labels),):
            raise ModelError(
                f"{folder / GRAPH} gives {found.size} numbers for a text, and config.json has {len(self.labels)} "
                "labels: they are of different students."
            )

    def logits(self, texts: Sequence[str]) -> Vectors:
        """Return the logits of the labels for each text, [texts, labels]."""
        return each(self._logits, texts)

    def logprobs(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the log-probability (nats) of each label for each text, [texts, labels]."""
        return as_logprobs(self.logits(texts))

    def answers(self, texts: Sequence[str]) -> list[str]:
        """Return the label of each text."""
        return [self.labels[place] for place in self.logits(texts).argmax(axis=1)]

    def mean_tokens(self, texts: Sequence[str]) -> float:
        """Return how many tokens of a text are read, in the mean."""
        return float(np.mean([len(self._tokenizer.encode(text).ids) for text in texts]))

    def _logits(self, text: str) -> Vectors:
        return np.asarray(run_one(self._session, self._tokenizer, text, "logits"), dtype=np.float32)


def as_logprobs(logits: Vectors) -> NDArray[np.float64]:
    """Return logits as log-probabilities (nats), [texts, labels]."""
    return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float64)


def read_labels(folder: Path) -> tuple[str, ...]:
    """Return the labels of a student's config.json, in the order of its logits.

    Raises:
        ModelError: it has none.
    """
    path = folder / "config.json"
    try:
        named = json.loads(path.read_bytes())["id2label"]
        return tuple(named[str(place)] for place in range(len(named)))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ModelError(f"{path} has no labels in `id2label`: {one_line(error)}.") from error
