"""Whether two final answers of a calculation have the same value: 1/2 and 0.5, 1,200 and 1200, x+1 and 1+x.

It needs the math-verify library, which only the control environment has. The engine environment reads answers and does
not compare them.
"""

import functools
import logging
import math
import re

_MAX_CHARS = 200
_MAX_EXPONENT = 10_000
_EXPONENT = re.compile(r"(?:\^|\*\*)\s*([{(][^{}()]*[})]?|\S)\d*")
_PLAIN_EXPONENT = re.compile(r"[{(]?\s*-?(?:\d+|[a-z])(?:\s*/\s*\d+)?\s*[})]?")
_ENDLESS = re.compile(r"!|\\(?:int|sum|prod|lim|binom)")


@functools.lru_cache(maxsize=65_536)
def same_value(one: str, other: str) -> bool:
    """Return whether both answers are the same text, or math-verify finds the same value in both.

    5% equals 0.05 and 5. Towers of powers, factorials, sums and integrals are compared as text, because a model can
    write an expression that no machine can compute.
    """
    if one == other:
        return True
    if not (is_tame(one) and is_tame(other)):
        return "".join(one.split()) == "".join(other.split())
    from math_verify import verify

    first, second = _parsed(one), _parsed(other)
    # The library's result can depend on which of the two is the reference. Its timeouts are off: they are signals,
    # which only a main thread gets and which would cancel the stage's own timeout.
    return bool(verify(first, second, timeout_seconds=None) or verify(second, first, timeout_seconds=None))


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
