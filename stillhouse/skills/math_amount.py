"""Reads an answer as an amount: a quantity, one in several units (2 hours 30 minutes), or one in English words."""

import functools
import re

from stillhouse.skills.math_quantity import Quantity, read_quantity
from stillhouse.skills.math_units import UNITS
from stillhouse.skills.number_words import with_digits

# what a unit's short name means behind another unit: 2 h 30 m, 5 ft 6 in, 5'6"
_BEHIND = {("time", "m"): "min", ("length", "in"): "inch", ("length", '"'): "inch", ("length", "''"): "inch"}
_FEET = {"'": "ft", "′": "ft"}
_NUMBER = r"\d+(?:[.,]\d+)?(?: \d+/\d+)?|\d+/\d+"
_UNIT = r"""[^\W\d_]+|['′"]{1,2}|\\?[$€£¥₹]"""
_STEP = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<unit>{_UNIT})\.?|(?P<money>\\?[$€£¥₹])\s*(?P<paid>{_NUMBER})", re.I)
_JOINT = re.compile(r"\s*(?:,\s*)?(?:and\s+|&\s*)?", re.I)


def read_amount(text: str) -> tuple[Quantity, str] | None:
    """Return the amount that a tidied text is, and the text in digits that its `end` counts in; None if it is none."""
    if (quantity := read_quantity(text) or _read_compound(text)) is not None:
        return quantity, text
    digits = numbered(text)
    quantity = read_quantity(digits) or _read_compound(digits) if digits != text else None
    return (quantity, digits) if quantity else None


def numbered(text: str) -> str:
    """Return a text without digits with its number words in digits; a name such as "Two Rivers" stays as it is."""
    if any(map(str.isdigit, text)):
        return text
    digits = with_digits(text)
    return digits if digits == digits.lower() else text


def find_compound(line: str) -> re.Match[str] | None:
    """Return the last amount in several units in a line."""
    found = [one for one in _compound().finditer(line) if _read_compound(one.group())]
    return found[-1] if found else None


@functools.cache
def _compound() -> re.Pattern[str]:
    step = rf"(?:(?:{_NUMBER})\s*(?:{_UNIT})\.?|\\?[$€£¥₹]\s*(?:{_NUMBER}))"
    return re.compile(rf"(?<![\w.])-?{step}(?:{_JOINT.pattern}{step})+", re.I)


def _read_compound(text: str) -> Quantity | None:
    """Return an amount in units of one kind, each smaller than the one before, valued in the first."""
    body = text.rstrip(" .")
    sign, at = (-1, 1) if body.startswith("-") else (1, 0)
    parts: list[Quantity] = []
    while at < len(body):
        step = _STEP.match(body, at)
        if not step:
            return None
        dimension = parts[0].unit.dimension if parts and parts[0].unit else ""
        unit = (step["unit"] or step["money"]).lower()
        unit = _BEHIND.get((dimension, unit), _FEET.get(unit, unit))
        part = read_quantity(f"{step['number'] or step['paid']} {unit}")
        if part is None or part.unit is None or unit not in UNITS:
            return None
        if parts and (part.unit.dimension != dimension or part.unit.factor >= parts[-1].unit.factor):  # type: ignore[union-attr]
            return None
        parts.append(part)
        joint = _JOINT.match(body, step.end())
        at = joint.end() if joint else step.end()
    units = tuple(part.unit for part in parts if part.unit)
    if len(units) < 2:
        return None
    total = sum((part.value * unit.factor for part, unit in zip(parts, units, strict=True)), start=0 * units[0].factor)
    return Quantity(sign * total / units[0].factor, units[0], len(text), units)
