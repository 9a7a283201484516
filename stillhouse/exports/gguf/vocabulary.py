"""A student's tokenizer as the entries of a GGUF file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gguf import GGUFWriter, TokenType

from stillhouse.errors import ModelError

_SPACE = "▁"
_NEVER_MERGED = -1e6


@dataclass(frozen=True)
class Words:
    """How llama.cpp cuts a text into words."""

    way: str  # its name for a pattern
    adds_space: bool = False  # before a text and behind a special token


@dataclass(frozen=True)
class Vocabulary:
    """The tokens by id, and how words become them."""

    model: str  # of tokenizer.ggml.model: gpt2 (byte-level BPE) or llama (SentencePiece)
    tokens: list[str]
    types: list[int]
    merges: list[str]  # of gpt2
    scores: list[float]  # of llama: which merge comes first

    def write(self, writer: GGUFWriter, words: Words) -> None:
        """Write the tokens, and how a text is cut into words."""
        writer.add_tokenizer_model(self.model)
        writer.add_tokenizer_pre(words.way)
        writer.add_token_list(self.tokens)
        writer.add_token_types(self.types)
        writer.add_add_space_prefix(words.adds_space)
        if self.model == "gpt2":
            writer.add_token_merges(self.merges)
        else:
            writer.add_token_scores(self.scores)


def read_vocabulary(tokenizer: Any, num_tokens: int) -> Vocabulary:
    """Return the vocabulary of a transformers tokenizer for a model with `num_tokens` rows of embeddings.

    A token that the tokenizer has beyond them, which no trained text can have held, is left out.

    Raises:
        ModelError: it is of a kind that llama.cpp lacks.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelError("No GGUF can be made of this student: its tokenizer has no tokenizer.json.")
    content = json.loads(backend.to_str())
    model, added = content["model"], {one["id"]: one for one in content["added_tokens"]}
    if model["type"] != "BPE":
        raise ModelError(
            f"No GGUF can be made of this student: its tokenizer is a {model['type']}; known are byte-level BPE and "
            "SentencePiece's BPE. Export it to another format."
        )
    names = {number: token for token, number in model["vocab"].items()}
    is_sentencepiece = bool(model.get("byte_fallback"))
    pairs = [one.split(" ") if isinstance(one, str) else one for one in model["merges"]]
    ranks = _ranks(pairs)
    rows = [_row(number, names, added, is_sentencepiece, model.get("unk_token")) for number in range(num_tokens)]
    return Vocabulary(
        model="llama" if is_sentencepiece else "gpt2",
        tokens=[token for token, _ in rows],
        types=[int(kind) for _, kind in rows],
        # a space within a merge would read as its middle
        merges=[" ".join(part.replace(" ", "Ġ") for part in pair) for pair in pairs],
        scores=[-float(ranks[token]) if token in ranks else _NEVER_MERGED for token, _ in rows],
    )


def _ranks(pairs: list[list[str]]) -> dict[str, int]:
    """Return when each token is merged first, by what it is; SentencePiece's scores are the same order."""
    found: dict[str, int] = {}
    for rank, (left, right) in enumerate(pairs):
        found.setdefault(left + right, rank)
    return found


def _row(
    number: int, names: dict[int, str], added: dict[int, Any], is_sentencepiece: bool, unknown: str | None
) -> tuple[str, TokenType]:
    if number in added:
        text = added[number]["content"]
        if is_sentencepiece and text == unknown:
            return text, TokenType.UNKNOWN
        # such a token is found in the text as it is
        plain = text if added[number]["special"] else text.replace(_SPACE, " ")
        return plain, TokenType.CONTROL if added[number]["special"] else TokenType.USER_DEFINED
    if number not in names:
        return f"[PAD{number}]", TokenType.UNUSED
    text = names[number]
    if is_sentencepiece and text == unknown:
        return text, TokenType.UNKNOWN
    is_byte = is_sentencepiece and len(text) == 6 and text.startswith("<0x") and text.endswith(">")
    return text, TokenType.BYTE if is_byte else TokenType.NORMAL
