"""Reads an answer as a number with its unit, where it is one: 1,200, 2 1/2, 5 million, 1.2e-3, 90^\\circ, 18 eggs.

Commas part thousands only where groups fit (1,200 and 1,00,000; 1 200, 1'200 and 1.200,50 likewise), and a fraction
only before a unit (3,5 km); else they part a list (1,2 and 0,5). What is no number is left to the library that compares
expressions.
"""

import re
from fractions import Fraction
from typing import NamedTuple

from stillhouse.skills.math_signs import fold_signs, without_layout
from stillhouse.skills.math_units import CURRENCY, PARTS, POWERS, SCALES, UNITS, Unit
from stillhouse.skills.number_words import with_parts

_GROUPED = re.compile(
    r"(?<![\d.,/])(?:"
    r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?"  # 1,200.5 and 1,00,000
    r"|\d{1,3}(?: \d{3})+(?:[.,]\d+)?|\d{1,3}(?:'\d{3})+(?:\.\d+)?"  # 1 200,5 and 1'200.5
    r"|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}"  # 1.200,5 and 1.000.000
    r")(?!\d|[.,]\d|\s*/)"
)
_ABOUT = re.compile(
    r"(?:about|approximately|approx\.?|roughly|around|nearly|almost|exactly|only|just|≈|~|\\approx)\s*(?=\S)", re.I
)
_ABOUT_BEHIND = re.compile(r"(?<=[\w%}])\s*[,(]?\s*\b(?:or so|approximately|approx|roughly|exactly)\b\.?\)?$", re.I)
_NOT = re.compile(r"(?<=[\w%}])\s*[,;(]?\s*\b(?:and not|but not|not|rather than|instead of)\s.*", re.I)
_DECIMAL = r"(?:\d+(?:\.\d+)?|\.\d+)(?:e[-+]?\d{1,3}(?!\w))?"
_NUMBER = re.compile(
    rf"(?P<sign>[-+]?)\s*(?P<money>{CURRENCY})?\s*(?P<inner>[-+]?)"
    rf"(?:(?P<whole>\d+)(?:\s+and)?\s+(?P<part>\d+/[1-9]\d*)|(?P<top>{_DECIMAL})(?:\s*/\s*(?P<bottom>\d+))?)"
    r"(?![\d.]*\d)",
    re.I,
)
_MAX_DIGITS = 3000
_TIMES_10 = re.compile(r"\s*(?:×|·|⋅|x|X|\*|\\times|\\cdot)\s*10(?=\s*(?:\^|\*\*))")
_POWER = re.compile(r"\s*(?:\^|\*\*)\s*(?:\{\s*([-+]?\d{1,3})\s*\}|\(([-+]?\d{1,3})\)|([-+]?\d{1,3})(?![\d.]))")
_DECIMAL_COMMA = re.compile(rf"([-+]?\s*(?:{CURRENCY})?\s*\d+),(\d+)(?=\s*\S|$)", re.I)
# a tail that names what is counted: words, none of which calculates or compares
_COUNTED = re.compile(r"[^\W\d_]{2,}(?:['-][^\W\d_]+)*(?: [^\W\d_]+(?:['-][^\W\d_]+)*){0,7}")
_OPERATORS = (
    "more less fewer greater than times plus minus over per of to or and pi not squared cubed if when where mod am pm "
    "because since divided multiplied increased decreased square cubic root power factorial but until from st nd rd th "
    "remainder"
)
_CALCULATES = frozenset(_OPERATORS.split()) | PARTS.keys() | SCALES.keys() - {"mil", "mille", "k"}
_EACH = re.compile(r"(?:/ ?|\b(?:a|an|per|each|every|in|for|total|in total|altogether)\b).*", re.I)


class Quantity(NamedTuple):
    """A number, with its unit if that is known, and how much of the text before any counted thing it is."""

    value: Fraction
    unit: Unit | None
    end: int  # of what bears meaning in the tidied text; a counted thing stands behind it
    units: tuple[Unit, ...] = ()  # all that an amount such as 2 hours 30 minutes names; its value is in the first


def tidy(answer: str) -> str:
    """Return `answer` with plain digits, without layout, "about", marks between thousands and "not 20" behind it."""
    text = without_layout(fold_signs(answer)).strip()
    if any(map(str.isdigit, text[:40])):
        text = with_parts(_ABOUT_BEHIND.sub("", _NOT.sub("", text)))
    text = _ABOUT.sub("", text, count=1)
    is_list = text.startswith(("(", "[", "{", "\\{")) and text.endswith((")", "]", "}"))
    return text if is_list else _GROUPED.sub(_ungrouped, text)


def _ungrouped(found: re.Match[str]) -> str:
    text = found.group().replace(" ", "").replace("'", "")
    if "," in text and re.search(r"\.\d{3}.*,|^[^.]*,(?!\d{3}(?:\D|$))\d+$", text):  # a decimal comma
        return text.replace(".", "").replace(",", ".")
    return text.replace(".", "") if text.count(".") > 1 else text.replace(",", "")


def read_quantity(text: str) -> Quantity | None:
    """Return the number that a tidied text is; None if it is something else, such as an expression or a list."""
    if comma := _DECIMAL_COMMA.match(text):
        quantity = read_quantity(f"{comma[1]}.{text[comma.start(2) :]}")
        return quantity if quantity and quantity.unit else None
    match = _NUMBER.match(text)
    value = _value(match) if match and len(match.group()) <= _MAX_DIGITS else None
    if match is None or value is None:
        return None
    end = match.end()
    if match["bottom"] is None and match["whole"] is None:
        value, end = _raised(value, text, end)
    value, end = _scaled(value, text, end, is_mixed=match["whole"] is not None)
    # Python refuses to write whole numbers of more than 4,300 digits
    is_endless = max(abs(value.numerator), value.denominator).bit_length() > 4 * _MAX_DIGITS
    return None if is_endless else _with_unit(value, end, text, match["money"])


def _raised(value: Fraction, text: str, end: int) -> tuple[Fraction, int]:
    """Return a number with the power of ten behind it, as in 1.2 x 10^6 and 10^6, and its end."""
    times = _TIMES_10.match(text, end)
    if not times and value != 10:
        return value, end
    power = _POWER.match(text, times.end() if times else end)
    if not power:
        return value, end
    factor = Fraction(10) ** int(power[1] or power[2] or power[3])
    return (value * factor if times else factor), power.end()


def _scaled(value: Fraction, text: str, end: int, *, is_mixed: bool) -> tuple[Fraction, int]:
    """Return a number with the words of scale, part and power behind it, as in 5 million and 2 thirds, and its end."""
    while word := re.compile(r"\s*([^\s\d.,;:!?()^\\%$+*/=<>-]+)").match(text, end):
        name = word[1] if word[1] == "k" else word[1].lower()
        joined = next((one for one in sorted(SCALES, key=len) if not one.isascii() and name.startswith(one)), None)
        if name in SCALES and not (name in ("mil", "mille") and value > 999):
            value *= SCALES[name]
        elif name in PARTS and not is_mixed:
            value *= PARTS[name]
        elif name in POWERS:
            value **= POWERS[name]
        elif joined:  # 5万円
            value, end = value * SCALES[joined], word.start(1) + len(joined)
            continue
        else:
            break
        end = word.end()
    return value, end


def _value(match: re.Match[str]) -> Fraction | None:
    sign = -1 if "-" in (match["sign"] or "") + (match["inner"] or "") else 1
    if match["whole"]:
        return sign * (int(match["whole"]) + Fraction(match["part"]))
    if match["bottom"] and not int(match["bottom"]):
        return None
    return sign * Fraction(match["top"]) / int(match["bottom"] or 1)


def _with_unit(value: Fraction, end: int, text: str, money: str | None) -> Quantity | None:
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
