"""English number words as digits: twelve, twenty-one, one hundred and five, a dozen, two and a half, minus five.

Number words of other languages stay as they are. Digits are read in every script.
"""

import re

from stillhouse.skills.math_units import PARTS

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_UNDER_100 = dict(zip(f"{_SMALL} {_TENS}".split(), [*range(20), *range(20, 100, 10)], strict=True))
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_NUMERAL, _SCALE, _PART = "|".join(_UNDER_100), "|".join(_SCALES), "|".join(PARTS)

_HINT = re.compile(rf"\b(?:{_NUMERAL}|{_SCALE}|dozen|{_PART})\b", re.I)
_PHRASE = re.compile(
    rf"\b(?:{_NUMERAL}|an?(?=\s+(?:{_SCALE})\b))"
    rf"(?:(?:\s+|-|(?<=hundred) and |(?<=thousand) and |(?<=million) and )(?:{_NUMERAL}|{_SCALE})\b){{0,30}}\b",
    re.I,
)
# "one" is a pronoun in: no one, the one, one of them
_POINTS = re.compile(r"\b(?:no|the|this|that|each|every|any|some|another|which|only)\s$", re.I)
_ONE_OF = re.compile(r"\s(?:of|by|another|can|could|must|should|does|has|is|would)\b", re.I)
_A_PART = re.compile(rf"\ban?[\s-](?=(?:{_PART}|dozen)\b)(?!second)", re.I)
_JOINED_PART = re.compile(rf"(?<=\d)-(?=(?:{_PART})\b)", re.I)
_MIXED = re.compile(rf"\b(\d+) and (\d+) ({_PART})\b", re.I)
_UNIT_AND_HALF = re.compile(r"\b(?:an?|(\d+)) ([a-z]+) and (?:a|1) half\b", re.I)
_HALF = re.compile(r"^half\b(?: an?\b)?", re.I)
_POINT = re.compile(r"\b(\d+) point ((?:\d )*\d)\b", re.I)
_MINUS = re.compile(r"^(?:minus|negative)\s+(?=\d)", re.I)


def with_digits(text: str) -> str:
    """Return `text` with its English number words in digits; 2 1/2 for "two and a half"."""
    if not _HINT.search(text):
        return text
    text = with_parts(_HALF.sub("1/2", _PHRASE.sub(_digits, text)))
    text = _POINT.sub(lambda found: f"{found[1]}.{found[2].replace(' ', '')}", text)
    return _MINUS.sub("-", text)


def with_parts(text: str) -> str:
    """Return `text` with "3 and a half" and "3 and 3 quarters" as mixed numbers, and "a third" as "1 third"."""
    text = _UNIT_AND_HALF.sub(lambda found: f"{found[1] or 1} 1/2 {found[2]}", text)
    text = _JOINED_PART.sub(" ", _A_PART.sub("1 ", text))
    return _MIXED.sub(lambda found: f"{found[1]} {found[2]}/{PARTS[found[3].lower()].denominator}", text)


def _digits(found: re.Match[str]) -> str:
    """Return the digits of a run of numerals; of several numbers where they are no one number, as in "five six"."""
    if found.group().lower() == "one" and (
        _POINTS.search(found.string, 0, found.start()) or _ONE_OF.match(found.string, found.end())
    ):
        return found.group()
    numbers: list[int] = []
    above = below = 0  # what thousands and more make, and what stands below them
    for word in re.findall(r"[a-z]+", found.group().lower()):
        if word == "hundred":
            below = (below or 1) * 100
        elif word in _SCALES:
            above, below = above + (below or 1) * _SCALES[word], 0
        elif word != "and":
            value = _UNDER_100.get(word, 1)  # "a" counts one
            if not _fits(below, value):
                numbers.append(above + below)
                above = below = 0
            below += value
    return " ".join(map(str, [*numbers, above + below]))


def _fits(below: int, value: int) -> bool:
    """Return whether a numeral can follow: five after twenty or a hundred, but not after six."""
    return below % 100 == 0 or (below % 10 == 0 and below % 100 >= 20 and 0 < value < 10)
