"""Scripts that put no space between words: which characters they have, and how much of a word one of them is."""

from typing import NamedTuple

import regex

# the prolonged sound mark ー belongs to kana, though Unicode counts it to no script
KANA = r"\p{Hiragana}\p{Katakana}ー"
SOUTH_EAST_ASIAN = (
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}"
    r"\p{Ahom}\p{Javanese}\p{Balinese}"
)


class Spaceless(NamedTuple):
    """A kind of script without spaces."""

    characters: str  # the inside of a character class of the regex library
    sixths: int  # of a word that one character is, on average


# A word of Chinese has about 1.5 characters, one of Japanese kana about 2, one of Thai about 3 with their marks.
SPACELESS = (Spaceless(r"\p{Han}", 4), Spaceless(KANA, 3), Spaceless(SOUTH_EAST_ASIAN, 2))
SPACELESS_CHARACTERS = "".join(script.characters for script in SPACELESS)

# the kinds that metrics and rules tell apart; a text of Han and kana is Japanese
_KINDS = {
    "Latin": r"\p{Latin}",
    "Cyrillic": r"\p{Cyrillic}",
    "Greek": r"\p{Greek}",
    "Han": r"\p{Han}",
    "spaceless": rf"[{KANA}{SOUTH_EAST_ASIAN}]",
}
_LETTERS = {kind: regex.compile(rf"(?V1)[\p{{L}}&&[{pattern}]]") for kind, pattern in _KINDS.items()}
_LETTER = regex.compile(r"\p{L}")


def dominant_script(text: str) -> str:
    """Return the kind of script that most letters have: Latin, Cyrillic, Greek, Han, spaceless or other.

    Japanese is spaceless, for its kana are; a text without letters counts as Latin.
    """
    if text.isascii():
        return "Latin"
    counts = {kind: len(letters.findall(text)) for kind, letters in _LETTERS.items()}
    counts["other"] = len(_LETTER.findall(text)) - sum(counts.values())
    if counts["spaceless"]:  # kana stand between Han characters
        counts["spaceless"] += counts.pop("Han")
    return max(counts, key=counts.__getitem__)
