"""Whether two final answers of a calculation have the same value: 1/2 and 0.5, 1,200 and 1200, x+1 and 1+x.

Numbers with units are compared exactly, all else by the math-verify library, which only the control environment has.
The engine environment reads answers and does not compare them.
"""

import functools
import logging
import math
import re
from fractions import Fraction

from stillhouse.skills.math_amount import numbered, read_amount
from stillhouse.skills.math_moments import is_date, same_moment
from stillhouse.skills.math_quantity import Quantity, read_quantity, tidy
from stillhouse.skills.math_units import UNITS

_MAX_CHARS = 200
_MAX_READ = 2000  # characters that are read as a number
_MAX_EXPONENT = 10_000
_EXPONENT = re.compile(r"(?:\^|\*\*)\s*([{(][^{}()]*[})]?|\S)\d*")
_PLAIN_EXPONENT = re.compile(r"[{(]?\s*-?(?:\d+|[a-z])(?:\s*/\s*\d+)?\s*[})]?")
_ENDLESS = re.compile(r"!|\\(?:int|sum|prod|lim|binom)")
# letters of an expression that are not words: commands and functions
_NO_WORDS = re.compile(
    r"\\[a-zA-Z]+|\b(?:sin|cos|tan|cot|sec|csc|arcsin|arccos|arctan|log|ln|exp|sqrt|pi|mod|or|and)(?![^\W\d_])"
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_RANGE = re.compile(r"(?:from )?(\S*\d\S*?) ?(?:[-–—〜~]| to | through ) ?(\d.*)|between (\S*\d) and (\d.*)")
_PARTED = re.compile(r"\s*(?:,\s*(?:and|or)\b|[,;]|\\text\{\s*(?:and|or)\s*\}|\b(?:and|or)\b)\s*")
_BRACES = re.compile(r"\\?\{(.*?)\\?\}")
# two numbers side by side are no sum, as the library takes them
_SIDE_BY_SIDE = re.compile(r"(?<![\w.^}])\d+ \d+(?!\s*/|\d)")
_UNFINISHED = re.compile(r"[-+*/=<>]$|^(?:[<>≤≥]|\\[gl]eq?\b)")
_RATIO = re.compile(r"(-?\d[\d.]*)\s*(?::|to)\s*(-?\d[\d.]*)")
_MARKED = re.compile(r"([-+]?\s*\d+)([,.])(?=\d+(?!\d|[.,]\d))")
_MEMBER = re.compile(r"^[a-zA-Z]\s*(?:∈|\\in\b)\s*")
_REMAINDER = re.compile(r"(\d+)\s*(?:r|rem\.?|remainder(?: of)?)\s*(\d+)", re.I)
_DEGREES = ({"angle", "celsius"}, {"angle", "fahrenheit"})
_HUNDREDTHS = (UNITS["cents"], UNITS["pence"], UNITS["paise"])
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("·⋅", r"\cdot "),
        "×": r"\times ",
        "÷": "/",
        "≤": "<=",
        "≥": ">=",
        "∪": r"\cup ",
        "∅": r"\emptyset ",
    }
)
_NAMED = re.compile(r"[a-zA-Z]\s*(?:=|∈|\\in\b)\s*")


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
    if max(len(first), len(second)) > _MAX_READ:
        return None
    if (is_same := same_moment(first, second)) is not None:
        return is_same
    if is_date(first) or is_date(second):
        return None if is_date(first) and is_date(second) else False
    ours, theirs = read_amount(first), read_amount(second)
    if ours and theirs:
        is_same = _same_quantity(ours[0], theirs[0])
        return None if is_same is False and _may_be_same(first, second) else is_same
    return _compare_expressions(numbered(first), numbered(second))


def _compare_expressions(first: str, second: str) -> bool | None:
    ours, theirs = _ratio(first), _ratio(second)
    if ours is not None and theirs is not None and ":" in first + second:
        return ours == theirs
    if _may_be_same(first, second):
        return None
    first, second = _expression(first), _expression(second)
    if first == second:
        return True
    worded = [text for text in (first, second) if _WORD.search(_NO_WORDS.sub(" ", text))]
    if worded:
        return None if all(any(map(str.isdigit, text)) for text in worded) and _has_value(first, second) else False
    if _SIDE_BY_SIDE.search(first) or _SIDE_BY_SIDE.search(second):
        return False
    if not (is_tame(first) and is_tame(second)) or _UNFINISHED.search(first) or _UNFINISHED.search(second):
        return None
    return _same_expression(first, second)


def _ratio(text: str) -> Fraction | None:
    """Return what a ratio of two numbers is, written 3:4, 3 to 4 or as their fraction; None if it is something else."""
    found = _RATIO.fullmatch(text)
    numbers = [read_quantity(part) for part in found.groups()] if found else [read_quantity(text)]
    if any(number is None or number.unit for number in numbers):
        return None
    values = [number.value for number in numbers if number]
    return values[0] if len(values) == 1 else values[0] / values[1] if values[1] else None


def _may_be_same(one: str, other: str) -> bool:
    """Return whether a comma or full stop can be meant as a fraction's mark or between thousands, and both then agree.

    3,5 may be 3.5, and 1.234 may be 1234.
    """
    for first, second in ((one, other), (other, one)):
        if not (found := _MARKED.match(first)):
            continue
        mark = "." if found[2] == "," else ""
        ours, theirs = read_quantity(f"{found[1]}{mark}{first[found.end(2) :]}"), read_quantity(second)
        if ours and theirs and _same_quantity(ours, theirs):
            return True
    return False


def _joined(text: str) -> str:
    """Return a text folded and without spaces but those between digits: 7 8 is not 78."""
    return re.sub(r"(?<!\d)\s+|\s+(?!\d)", "", text.casefold())


def _same_quantity(one: Quantity, other: Quantity) -> bool | None:
    one, other = _as_money(one, other), _as_money(other, one)
    if one.unit and other.unit:
        if one.unit.dimension == other.unit.dimension:
            return one.value * one.unit.factor == other.value * other.unit.factor
        # "degrees" alone may be of heat
        return {one.unit.dimension, other.unit.dimension} in _DEGREES and one.value == other.value
    if set(_plain_values(one)) & set(_plain_values(other)):
        return True
    both_whole = one.value.denominator == other.value.denominator == 1
    return not both_whole and _same_expression(str(one.value), str(other.value))


def _plain_values(quantity: Quantity) -> tuple[Fraction, ...]:
    """Return the numbers that a quantity is without its unit: 5% is 5 and 0.05; 1 h 30 min is 1.5 and 90."""
    value, unit = quantity.value, quantity.unit
    if unit and (unit.dimension == "percent" or unit in _HUNDREDTHS):
        return value, value / 100
    return (value, *(value * quantity.units[0].factor / each.factor for each in quantity.units[1:]))


def _as_money(one: Quantity, other: Quantity) -> Quantity:
    """Return `one` in money where it is in pounds and `other` says which pounds these are."""
    is_money = other.unit and other.unit.dimension == "sterling" and one.unit == UNITS["pounds"]
    return one._replace(unit=UNITS["£"]) if is_money else one


def _has_value(one: str, other: str) -> bool:
    """Return whether each text has a digit or a letter of mathematics, so that it might be a value."""
    return all(re.search(r"\d|\\|\b[a-z]\b", text) for text in (one, other))


def _expression(text: str) -> str:
    """Return a tidied text with lists as sets, ranges as intervals, and each number in it plain."""
    if (quantity := read_quantity(text)) is not None:
        return str(quantity.value)
    text = _MEMBER.sub("", text)
    if found := _REMAINDER.fullmatch(text):
        return f"{found[1]} r {found[2]}"
    if (found := _RANGE.fullmatch(text)) and "," not in text:
        low, high = (read_quantity(text) for text in (found[1] or found[3], found[2] or found[4]))
        if low and high and low.value < high.value:
            return f"[{low.value}, {high.value}]"
    braced = _BRACES.fullmatch(text)
    items = [_NAMED.sub("", item, count=1) for item in _PARTED.split(braced[1] if braced else text)]
    read = [read_quantity(item) for item in items]
    if len(items) > 1 and all(read):
        return "\\{" + ", ".join(str(item.value) for item in read if item) + "\\}"
    return re.sub(r"(?<![\\a-zA-Z])pi\b", r"\\pi ", _latex(text))


def _latex(text: str) -> str:
    """Return an expression with signs and powers as LaTeX has them."""
    text = re.sub(r"(?<=\d) ?[xX] ?(?=\d)", r"\\times ", text)
    text = re.sub(r"\^\s*(-?\d{2,}|-\d)", r"^{\1}", text.replace("**", "^").translate(_SIGNS))
    return re.sub(r"(?<![\\a-zA-Z])log(?=_|\b)", r"\\log", text)


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
