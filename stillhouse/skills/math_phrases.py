"""Answers of several numbers in a sentence: what belongs together, so that no last part of it is taken for the answer.

"It takes 2 hours 30 minutes" says no 30, "between 3 and 5" no 5, and "at 12:30 am" no 30.
"""

import re
from collections.abc import Sequence

from stillhouse.skills.math_amount import find_compound
from stillhouse.skills.math_moments import CLOCK, DATE
from stillhouse.skills.math_units import CURRENCY, SCALES, UNITS

_N = rf"(?:(?<![\w)}}%] )-)?(?:{CURRENCY}\s?)?(?:\d+(?:[.,]\d+)*|\.\d+)(?:/\d+)?%?"
_NAMED = rf"(?:[a-z] ?= ?)?{_N}"
_TIMES = r"(?:×|·|⋅|x|\*|\\times|\\cdot)"
_PHRASES = (
    f"(?-i:{DATE})",
    CLOCK,
    rf"{_N}(?:\s?:\s?{_N})+",
    rf"{_N}\s*{_TIMES}\s*10\s*\^\s*\{{?[-+]?\d+\}}?",
    r"-?\d+(?:\.\d+)?e[-+]?\d+\b",
    r"-?\d+(?: and)? \d+/\d+",
    r"\d+\s*(?:r|rem\.?|remainder(?: of)?)\s*\d+",
    rf"between {_N} and {_N}|{_N}(?:\s?[-–]\s?| to ){_N}",
    rf"{_N}\s?(?:±|\\pm|\+/-)\s?{_N}",
    rf"{_NAMED}(?:[,;] {_NAMED})*,? (?:and|or) {_NAMED}|{_NAMED}(?:[,;] {_NAMED})+",
)
_PHRASE = re.compile(rf"(?<![\w.,/^\\:])(?:{'|'.join(_PHRASES)})(?![\w/])", re.I)
_BEHIND = re.compile(r"\s?([^\s\d.,;:!?()]+)")
# how far before the last but one number a phrase can begin: a list has more numbers
_REACH = 60


def last_phrase(line: str, starts: Sequence[int]) -> str | None:
    """Return the answer of several numbers that holds the last number of a line; None if none does.

    `starts` are the places of the line's last numbers: an amount in two units begins before the last.
    """
    compound = find_compound(line) if len(starts) > 1 else None
    for found in (compound, *_PHRASE.finditer(line, max(0, starts[0] - _REACH))):
        if found and found.start() <= starts[-1] < found.end():
            behind = _BEHIND.match(line, found.end())
            is_unit = behind is not None and behind[1].lower() in UNITS.keys() | SCALES.keys()
            return line[found.start() : behind.end() if behind and is_unit else found.end()]
    return None
