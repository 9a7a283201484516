"""Words of a text in any script: the one place that says what a word is, for rules, limits and metrics.

Where words stand apart, a word is a run of letters, marks and digits. Where a script has no spaces (Chinese, Japanese,
Thai, Lao, Khmer, Burmese …), each character with its marks stands for itself; `num_words` and `phrases` weigh it as
the part of a word that it is on average.
"""

import itertools
import math
import re
import unicodedata

import regex

from stillhouse.text.scripts import SPACELESS, SPACELESS_CHARACTERS

_WORD_SIXTHS = 6
_ONE = rf"[[\p{{L}}\p{{N}}]&&[{SPACELESS_CHARACTERS}]]\p{{M}}*"
_WORD = regex.compile(rf"(?V1)[[\p{{L}}\p{{M}}\p{{N}}]--[{SPACELESS_CHARACTERS}]]+|{_ONE}")
_SPACELESS = regex.compile(rf"(?V1){_ONE}")
_WEIGHTS = tuple((regex.compile(rf"[{script.characters}]"), script.sixths) for script in SPACELESS)
# joiners and soft hyphens stand inside words, and say nothing that is read
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200d\u2060\ufeff]")

# the same rule, several times faster, for most texts: ASCII, and letters of blocks without marks (Latin, Greek …)
_ASCII = bytes(ord(chr(i).lower()) if chr(i).isalnum() else 32 for i in range(128)) + bytes(128)
_MARKLESS = re.compile(r"[\x00-\u02ff\u0370-\u0482\u048a-\u058f\u1e00-\u200a\u2010-\u205f\u20a0-\u20cf\uac00-\ud7a3]*")
_MARKLESS_WORD = re.compile(r"[^\W_]+")
# blocks that have no character of a script without spaces
_SPACED = re.compile(r"[\x00-\u0dff\u1e00-\u2e7f\uac00-\ud7a3\U0001f000-\U0001faff]*")


def words(text: str) -> list[str]:
    """Return the words of `text` in order, in Unicode NFKC and case-folded; punctuation and symbols are none."""
    if text.isascii():
        return text.encode().translate(_ASCII).decode().split()
    folded = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text).casefold())
    return (_MARKLESS_WORD if _MARKLESS.fullmatch(folded) else _WORD).findall(folded)


def opening(text: str, length: int) -> str:
    """Return the beginning of `text` up to its `length`-th word, as it is written; the whole text if it has no more.

    A character of a script without spaces is a word, as in `words`.
    """
    ends = [found.end() for found in itertools.islice(_WORD.finditer(text), length)]
    return text[: ends[-1]] if ends and len(ends) == length else text


def spaced(text: str) -> str:
    """Return `text` with a space before and after each character of a script without spaces."""
    return text if _has_spaces(text) else _SPACELESS.sub(r" \g<0> ", text)


def num_words(text: str) -> int:
    """Return the number of words, as a limit of words counts them: parts between spaces.

    Characters of a script without spaces count as the part of a word that they are on average, rounded up.
    """
    if _has_spaces(text):
        return len(text.split())
    spaced = _SPACELESS.sub(" ", text)
    num_spaced = sum(any(map(str.isalnum, part)) for part in spaced.split())
    sixths = sum(map(_sixths, _SPACELESS.findall(text)))
    return num_spaced + math.ceil(sixths / _WORD_SIXTHS)


def phrases(text: str, length: int) -> list[tuple[str, ...]]:
    """Return each sequence of `length` words in `text`: in scripts without spaces, of as many characters as that."""
    found = words(text)
    if _has_spaces(text):
        return list(zip(*(found[at:] for at in range(length)), strict=False))
    weights = [_sixths(word) for word in found]
    sequences, end, weight = [], 0, 0
    for start in range(len(found)):
        while end < len(found) and weight < length * _WORD_SIXTHS:
            weight += weights[end]
            end += 1
        if weight < length * _WORD_SIXTHS:
            break
        sequences.append(tuple(found[start:end]))
        weight -= weights[start]
    return sequences


def _has_spaces(text: str) -> bool:
    """Return whether no character of `text` is of a script without spaces."""
    return text.isascii() or bool(_SPACED.fullmatch(text)) or not _SPACELESS.search(text)


def _sixths(word: str) -> int:
    return next((sixths for script, sixths in _WEIGHTS if script.match(word)), _WORD_SIXTHS)
