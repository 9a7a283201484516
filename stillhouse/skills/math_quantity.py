"""Reads an answer as a number with its unit, where it is one: 1,200, 2 1/2, 5 million, 90^\\circ, 18 eggs.

Commas part thousands only where groups fit (1,200 and 1,00,000; 1 200, 1'200 and 1.200,50 likewise); else they part a
list (1,2 and 0,5). What is no number is left to the library that compares expressions.
"""

import re
from fractions import Fraction
from typing import NamedTuple

from stillhouse.skills.math_signs import fold_signs, without_layout
from stillhouse.skills.math_units import PARTS, POWERS, SCALES, UNITS, Unit

_GROUPED = re.compile(
    r"(?<![\d.,/])(?:"
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?"  # 1,200.5 and 1,00,000
    r"|\d{1,3}(?: \d{3})+(?:[.,]\d+)?|\d{1,3}(?:'\d{3})+(?:\.\d+)?"  # 1 200,5 and 1'200.5
    r"|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}"  # 1.200,5 and 1.000.000
    r")(?!\d|[.,]\d|\s*/)"
)
_ABOUT = re.compile(
    r"(?:about|approximately|approx\.?|roughly|around|nearly|exactly|only|just|≈|~|\\approx)\s*(?=\S)", re.I
)
_NOT = re.compile(r"(?<=[\w%}])\s*[,;(]?\s*\b(?:and not|but not|not|rather than|instead of)\s.*", re.I)
_AND_A_HALF = re.compile(r"(\d+) and (?:a|one) (half|quarter)")
_DECIMAL = r"(?:\d+(?:\.\d+)?|\.\d+)"
_CURRENCY = r"(?:us\$|\\?\$|[€£¥₹₽])"
_NUMBER = re.compile(
    rf"(?P<sign>[-+]?)\s*(?P<money>{_CURRENCY})?\s*(?P<inner>[-+]?)"
    rf"(?:(?P<whole>\d+)(?:\s+and)?\s+(?P<part>\d+/[1-9]\d*)|(?P<top>{_DECIMAL})(?:\s*/\s*(?P<bottom>\d+))?)"
    r"(?![\d.]*\d)",
    re.I,
)
# a tail that names what is counted: words, none of which calculates or compares
_COUNTED = re.compile(r"[^\W\d_]{2,}(?:['-][^\W\d_]+)*(?: [^\W\d_]+(?:['-][^\W\d_]+)*){0,7}")
_OPERATORS = (
    "more less fewer greater than times plus minus over per of to or and pi not squared cubed if when where mod "
    "because since divided multiplied increased decreased square cubic root power factorial but until from st nd rd th"
)
_CALCULATES = frozenset(_OPERATORS.split()) | PARTS.keys() | SCALES.keys() - {"mil", "mille", "k"}
_EACH = re.compile(r"(?:/ ?|\b(?:a|an|per|each|every|in|for|total|in total|altogether)\b).*", re.I)


class Quantity(NamedTuple):
    """A number, with its unit if that is known, and how much of the text before any counted thing it is."""

    value: Fraction
    unit: Unit | None
    end: int  # of what bears meaning in the tidied text; a counted thing stands behind it


def tidy(answer: str) -> str:
    """Return `answer` with plain digits, without layout, "about", marks between thousands and "not 20" behind it."""
    text = without_layout(fold_signs(answer)).strip()
    text = _ABOUT.sub("", _NOT.sub("", text) if any(map(str.isdigit, text[:40])) else text, count=1) if text else text
    text = _AND_A_HALF.sub(lambda found: f"{found[1]} 1/{2 if found[2] == 'half' else 4}", text)
    is_list = text.startswith(("(", "[", "{", "\\{")) and text.endswith((")", "]", "}"))
    return text if is_list else _GROUPED.sub(_ungrouped, text)


def _ungrouped(found: re.Match[str]) -> str:
    text = found.group().replace(" ", "").replace("'", "")
    if "," in text and re.search(r"\.\d{3}.*,|^[^.]*,(?!\d{3}(?:\D|$))\d+$", text):  # a decimal comma
        return text.replace(".", "").replace(",", ".")
    return text.replace(".", "") if text.count(".") > 1 else text.replace(",", "")


def read_quantity(text: str) -> Quantity | None:
    """Return the number that a tidied text is; None if it is something else, such as an expression or a list."""
    match = _NUMBER.match(text)
    if not match:
        return None
    value = _value(match)
    if value is None:
        return None
    end, rest = match.end(), text[match.end() :]
    while word := re.match(r"\s*([^\s\d.,;:!?()^\\%$+*/=<>-]+)", rest):
        name = word[1] if word[1] == "k" else word[1].lower()
        if name in SCALES and not (name in ("mil", "mille") and value > 999):
            value *= SCALES[name]
        elif name in PARTS and match["whole"] is None:
            value *= PARTS[name]
        elif name in POWERS:
            value **= POWERS[name]
        elif not (
            cjk := next((one for one in sorted(SCALES, key=len) if not one.isascii() and name.startswith(one)), "")
        ):
            break
        else:
            value *= SCALES[cjk]
            word = re.match(rf"\s*{cjk}", rest)
        assert word
        end, rest = end + word.end(), rest[word.end() :]
    return _with_unit(value, match["money"], text, end)


def _value(match: re.Match[str]) -> Fraction | None:
    sign = -1 if "-" in (match["sign"] or "") + (match["inner"] or "") else 1
    if match["whole"]:
        return sign * (int(match["whole"]) + Fraction(match["part"]))
    if match["bottom"] and not int(match["bottom"]):
        return None
    return sign * Fraction(match["top"]) / int(match["bottom"] or 1)


def _with_unit(value: Fraction, money: str | None, text: str, end: int) -> Quantity | None:
    rest = text[end:].strip().rstrip(".")
    unit = UNITS[money.lower()] if money else None
    if not rest:
        return Quantity(value, unit, len(text))
    named = rest.lower().replace("^{\\circ}", "^\\circ").replace(" ", "", 1) if rest.startswith("^") else rest.lower()
    if named in UNITS:
        return Quantity(value, UNITS[named], len(text))
    head = _EACH.sub("", named).strip()
    if head in UNITS or (not head and money):
        return Quantity(value, UNITS.get(head, unit), end + len(text[end:]) - len(text[end:].lstrip()) + len(head))
    words = rest.lower().split()
    if _COUNTED.fullmatch(rest) and not _CALCULATES.intersection(words[:1] + words[1:4] if len(words) < 5 else words):
        return Quantity(value, unit, end)
    return None
