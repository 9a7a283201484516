"""Scripts that put no space between words: which characters they have, and how much of a word one of them is."""

from typing import NamedTuple

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
