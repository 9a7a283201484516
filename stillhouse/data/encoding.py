"""Detects a text file's encoding from its bytes, and says how sure that is.

Candidates come from charset-normalizer, which is good at scripts. Among encodings of one script (cp1252, cp1250 …) it
can't choose, since all of them give letters: what decides is whether these are the letters of one language.
"""

import codecs
import math
import re
from collections import Counter
from typing import NamedTuple

import charset_normalizer

from stillhouse.data.alphabets import ALPHABETS

_BOMS = (  # UTF-32's first: it begins like UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ESCAPES = {b"\x1b$B": "iso2022_jp", b"\x1b$@": "iso2022_jp", b"\x1b$)C": "iso2022_kr"}
# the first of several that give the same text is named
_LEGACY = (  # noqa: SIM905 - a list of names is no easier to read
    "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp874 cp932 gb18030 big5 cp949 euc_jp koi8_r koi8_u cp850 "
    "cp852 cp866 cp1125 iso8859_2 iso8859_5 iso8859_6 iso8859_7 iso8859_15 mac_roman mac_cyrillic"
).split()
MIN_CERTAINTY = 0.9  # from which a detected encoding is used
_MOST_CERTAIN = 0.99  # a guess stays one
# a word of two scripts, or with a mark inside that stands around words
_MIXED = re.compile(r"[A-Za-z][\u0370-\u06ff]|[\u0370-\u06ff][A-Za-z]|[^\W\d_][„“”«»…€–—№¿¡][^\W\d_]")


class Encoding(NamedTuple):
    """A codec's name, and how sure it is that the text is in it, from 0 to 1."""

    name: str
    certainty: float
    bom: bytes = b""


def by_mark(head: bytes) -> Encoding | None:
    """Return the encoding that a byte order mark, an escape sequence or the places of zero bytes name; None without."""
    for bom, name in _BOMS:
        if head.startswith(bom):
            return Encoding(name, 1.0, bom)
    for sign, name in _ESCAPES.items():
        if sign in head:
            return Encoding(name, _MOST_CERTAIN)
    if 50 * head.count(0) < len(head) or head.count(0) < 4:
        return None  # none, or a stray one
    # texts have no zero characters, so that zero bytes are halves and quarters of wider characters
    for name in ("utf-32-le", "utf-32-be"):
        if _decodes(head[: len(head) // 4 * 4], name):
            return Encoding(name, _MOST_CERTAIN)
    even, odd = head[::2].count(0), head[1::2].count(0)
    name = "utf-16-le" if odd > even else "utf-16-be"
    if max(even, odd) >= 3 * min(even, odd) and _decodes(head[: len(head) // 2 * 2], name):
        return Encoding(name, _MOST_CERTAIN)
    return None


def _decodes(data: bytes, name: str) -> bool:
    try:
        text = codecs.getincrementaldecoder(name)().decode(data)  # a sample may end within a pair of surrogates
    except UnicodeDecodeError:
        return False
    return bool(text) and "\0" not in text


def guess(sample: bytes) -> Encoding | None:
    """Return the likeliest of the older encodings for `sample`, text that is not UTF-8; None if none fits.

    The certainty grows with the number of letters that only one encoding turns into those of one language.
    """
    found = charset_normalizer.from_bytes(
        sample, cp_isolation=_LEGACY, preemptive_behaviour=False, enable_fallback=False
    )
    scores: dict[str, float] = {}
    for match in found:
        name = min(match.could_be_from_charset, key=_LEGACY.index)
        is_common = name.startswith("cp125")  # Windows wrote most of such files
        scores[name] = _score(str(match), match.chaos, match.coherence) + 2.0 * is_common
    if not scores:
        return None
    best = max(scores, key=lambda name: scores[name])
    odds = sum(math.exp(min(0.0, score - scores[best])) for score in scores.values())
    return Encoding(best, min(_MOST_CERTAIN, 1.0 / odds))


def _score(text: str, chaos: float, coherence: float) -> float:
    """Return the log-likelihood of a decoded text, up to a constant: letters that no one language has cost most."""
    letters = Counter(character for character in text if not character.isascii())
    evidence = {character: min(count, 4) for character, count in letters.items()}  # the same word may come often
    total = sum(evidence.values())
    foreign = min(
        sum(count for character, count in evidence.items() if character not in alphabet) for alphabet in ALPHABETS
    )
    mixed = min(10, len(_MIXED.findall(text)))
    return -4.0 * (foreign + mixed) + min(total, 60) * (3.0 * coherence - 20.0 * chaos)
