"""Tells whether a number is part of a sum: an operator with an operand, or a word such as "divided by", beside it."""

import regex

from stillhouse.data.pii_words import SUM

_BEFORE = regex.compile(rf"(?:{SUM}\W*|[=*×÷^+]\s*|\p{{Nd}}\s*[-−/]\s*)$", regex.IGNORECASE)
_AFTER = regex.compile(rf"\s*(?:[=*×÷^+<>]|[-−]\s*\p{{Nd}}|/\s*[1-9]|{SUM}(?!\p{{L}}))", regex.IGNORECASE)
_CONTEXT = 30  # characters on each side


def is_operand(text: str, start: int, end: int) -> bool:
    """Return whether the number text[start:end] is an operand of a sum, or what a sum is equal to."""
    before, after = text[max(0, start - _CONTEXT) : start], text[end : end + _CONTEXT]
    return bool(_BEFORE.search(before) or _AFTER.match(after))
