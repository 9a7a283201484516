"""Cuts texts of any script into the tokens that nearness is measured by.

Words where words stand apart, characters where a script has no spaces, and signs that bear meaning (operators,
currencies, emoji). Sentence punctuation is left out: it rarely makes another text.
"""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from stillhouse.text.scripts import SPACELESS, SPACELESS_CHARACTERS

_TOKEN = "|".join(
    (
        r"\p{Latin}(?:\+\+|#)",  # C++ and C# are no kinds of C
        rf"[[\p{{L}}\p{{M}}\p{{N}}]--[{SPACELESS_CHARACTERS}]]+",
        rf"[{SPACELESS_CHARACTERS}]\p{{M}}*",
        r"[:;=]-?[()]",  # a face
        r"!?[-+*/<=>|~^%&#@$\\\p{Sm}\p{Sc}]+",
        r"[\U0001F1E6-\U0001F1FF]{2}",  # a flag
        r"\p{So}(?:[\p{M}\p{Sk}]|\x{200d}\p{So})*",  # an emoji with what modifies it
    )
)


class TokenClass(NamedTuple):
    """A kind of tokens: the characters that begin them, tokens a shingle, and sixths of a word that one is worth."""

    starts: str
    shingle: int
    sixths: int


WORDS = TokenClass("", 1, 6)  # and signs
# two of Chinese and of kana, three of Thai and its like
_SHINGLES = (2, 2, 3)
CLASSES = (
    WORDS,
    *(TokenClass(f"^[{one.characters}]", n, one.sixths) for one, n in zip(SPACELESS, _SHINGLES, strict=True)),
)


def token_lists(texts: Sequence[str]) -> pl.Series:
    """Return the tokens of each text, in order; case and compatibility forms are folded."""
    column = pl.Series(texts, dtype=pl.String)
    if not all(map(str.isascii, texts)):
        column = column.str.normalize("NFKC")
    # a hyphen inside a word is none of its signs
    return column.str.to_lowercase().str.replace_all(r"(\p{L})-(\p{L})", "$1 $2").str.extract_all(_TOKEN)


def token_classes(flat: pl.Series) -> pl.Series:
    """Return the place in CLASSES of each token, as UInt64."""
    classes = pl.repeat(0, len(flat), dtype=pl.UInt64, eager=True)
    for number, kind in enumerate(CLASSES[1:], 1):
        classes = pl.select(pl.when(flat.str.contains(kind.starts)).then(number).otherwise(classes)).to_series()
    return classes.cast(pl.UInt64)
