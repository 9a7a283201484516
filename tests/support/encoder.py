"""A sentence encoder of four words, with vectors to calculate by hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from tests.support.onnx_file import write_embedding

WORDS = {"[UNK]": 0, "car": 1, "dog": 2, "red": 3}
TABLE = np.asarray([[1, 0, 0], [0, 2, 0], [0, 0, 3], [4, 0, 3]], dtype=np.float32)


def write_encoder(folder: Path, table: np.ndarray = TABLE, graph: str = "model.onnx", **more: str) -> Path:
    """Write graph and tokenizer into `folder`, and return it."""
    write_embedding(folder / graph, table, **more)
    tokenizer = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.enable_padding(length=7)  # as some folders ask for: padding would enter the mean
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


class FakeEncoder:
    """Vectors by the letters of a text; it notes what it is given."""

    def __init__(self) -> None:
        """Begin with no text."""
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return counts of letters, of length 1."""
        self.texts += texts
        counts = np.asarray([[text.count(letter) for letter in "abcdefghijklmnop"] + [1] for text in texts], float)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)
