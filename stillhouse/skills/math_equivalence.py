"""Whether two final answers of a calculation have the same value: 1/2 and 0.5, 1,200 and 1200, x+1 and 1+x.

Numbers with units are compared exactly, all else by the math-verify library, which only the control environment has.
The engine environment reads answers and does not compare them.
"""

import functools
import logging
import math
import re

from stillhouse.skills.math_quantity import Quantity, read_quantity, tidy
from stillhouse.skills.math_units import UNITS

_MAX_CHARS = 200
_MAX_EXPONENT = 10_000
_EXPONENT = re.compile(r"(?:\^|\*\*)\s*([{(][^{}()]*[})]?|\S)\d*")
_PLAIN_EXPONENT = re.compile(r"[{(]?\s*-?(?:\d+|[a-z])(?:\s*/\s*\d+)?\s*[})]?")
_ENDLESS = re.compile(r"!|\\(?:int|sum|prod|lim|binom)")
# letters of an expression that are not words: commands and functions
_NO_WORDS = re.compile(
    r"\\[a-zA-Z]+|\b(?:sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|log|ln|exp|sqrt|pi|mod|or|and)\b"
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_RANGE = re.compile(r"(?:from )?(\S*\d\S*?) ?(?:[-–—〜~]| to | through ) ?(\d.*)|between (\S*\d) and (\d.*)")
_PARTED = re.compile(r"\s*(?:,\s*(?:and|or)\b|[,;]|\\text\{\s*(?:and|or)\s*\}|\b(?:and|or)\b)\s*")
_BRACES = re.compile(r"\\?\{(.*?)\\?\}")
_UNFINISHED = re.compile(r"[-+*/=<>]$")
_NAMED = re.compile(r"[a-zA-Z]\s*=\s*")


def same_value(one: str, other: str) -> bool:
    """Return whether both answers surely have the same value."""
    return compare(one, other) is True


@functools.lru_cache(maxsize=65_536)
def compare(one: str, other: str) -> bool | None:
    """Return whether both answers have the same value; None if that can't be told.

    Units must be of one kind and are converted; one that only one answer has does not count. 5% equals 0.05 and 5.
    Towers of powers, factorials, sums and integrals are compared as text, because a model can write an expression that
    no machine can compute; so are answers in words.
    """
    if one == other:
        return True
    first, second = tidy(one), tidy(other)
    if _joined(first) == _joined(second):
        return True
    ours, theirs = read_quantity(first), read_quantity(second)
    if ours and theirs:
        return _same_quantity(ours, theirs)
    first, second = _expression(first), _expression(second)
    if first == second:
        return True
    worded = [text for text in (first, second) if _WORD.search(_NO_WORDS.sub(" ", text))]
    if worded:
        return None if all(any(map(str.isdigit, text)) for text in worded) and _has_value(first, second) else False
    if not (is_tame(first) and is_tame(second)) or _UNFINISHED.search(first) or _UNFINISHED.search(second):
        return None
    return _same_expression(first, second)


def _joined(text: str) -> str:
    """Return a text folded and without spaces but those between digits: 7 8 is not 78."""
    return re.sub(r"(?<!\d)\s+|\s+(?!\d)", "", text.casefold())


def _same_quantity(one: Quantity, other: Quantity) -> bool | None:
    if one.unit and other.unit and one.unit.dimension == other.unit.dimension:
        return one.value * one.unit.factor == other.value * other.unit.factor
    if _is_cents(one, other) or _is_cents(other, one):
        return True
    percents = [bool(each.unit and each.unit.dimension == "percent") for each in (one, other)]
    if any(percents) and (one.unit is None or other.unit is None):
        percent, plain = (one, other) if percents[0] else (other, one)
        return plain.value in (percent.value, percent.value / 100)
    if one.unit and other.unit:
        return False
    if one.value == other.value:
        return True
    both_whole = one.value.denominator == other.value.denominator == 1
    return not both_whole and _same_expression(str(one.value), str(other.value))


def _is_cents(one: Quantity, other: Quantity) -> bool:
    """Return whether `one` is in cents or pence and `other` the same in the currency, which `parse` leaves out."""
    return bool(one.unit and other.unit is None and one.unit == UNITS["cents"] and one.value / 100 == other.value)


def _has_value(one: str, other: str) -> bool:
    """Return whether each text has a digit or a letter of mathematics, so that it might be a value."""
    return all(re.search(r"\d|\\|\b[a-z]\b", text) for text in (one, other))


def _expression(text: str) -> str:
    """Return a tidied text with lists as sets, ranges as intervals, and each number in it plain."""
    if (quantity := read_quantity(text)) is not None:
        return str(quantity.value)
    if (found := _RANGE.fullmatch(text)) and "," not in text:
        low, high = (read_quantity(text) for text in (found[1] or found[3], found[2] or found[4]))
        if low and high and low.value < high.value:
            return f"[{low.value}, {high.value}]"
    braced = _BRACES.fullmatch(text)
    items = [_NAMED.sub("", item, count=1) for item in _PARTED.split(braced[1] if braced else text)]
    read = [read_quantity(item) for item in items]
    if len(items) > 1 and all(read):
        return "\\{" + ", ".join(str(item.value) for item in read if item) + "\\}"
    return re.sub(r"(?<![\\a-zA-Z])pi\b", r"\\pi ", text)


def _same_expression(one: str, other: str) -> bool | None:
    from math_verify import verify

    first, second = _parsed(one), _parsed(other)
    # The library's result can depend on which of the two is the reference. Its timeouts are off: they are signals,
    # which only a main thread gets and which would cancel the stage's own timeout.
    if verify(first, second, timeout_seconds=None) or verify(second, first, timeout_seconds=None):
        return True
    is_read = all(any(not isinstance(item, str) for item in parsed) for parsed in (first, second))
    return False if is_read else None


def is_tame(answer: str) -> bool:
    """Return whether the expression can be computed at once, whatever its numbers are."""
    if len(answer) > _MAX_CHARS or _ENDLESS.search(answer):
        return False
    exponents = [found.group().lstrip("^* ") for found in _EXPONENT.finditer(answer)]
    if not all(_PLAIN_EXPONENT.fullmatch(exponent) for exponent in exponents):
        return False
    powers = [int(number) for exponent in exponents for number in re.findall(r"\d+", exponent)[:1]]
    chained = re.search(r"(?:\^|\*\*)\s*[{(]?\s*\w+\s*[})]?\s*(?:\^|\*\*)", answer)
    return not chained and math.prod(max(1, power) for power in powers) <= _MAX_EXPONENT


@functools.lru_cache(maxsize=65_536)
def _parsed(answer: str) -> list[object]:
    from math_verify import parse

    # it warns about the timeouts, which are off on purpose
    logging.getLogger("math_verify").setLevel(logging.ERROR)
    return list(parse(f"${answer}$", parsing_timeout=None))
