"""Drops completions in a language the recipe does not name."""

import functools
from collections.abc import Callable

from pydantic import Field

from stillhouse.errors import RecipeError
from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rule import CandidateRule
from stillhouse.text.words import num_words

# below this many words a detector guesses
_MIN_WORDS = 4


class Language(CandidateRule):
    """Objects to prose in another language; keeps prose of fewer than four words, or of an unknown language.

    Scripts without spaces count by their characters: four words are six characters of Chinese.
    """

    name = "language"
    next_step = "check `filters.languages`"
    off = (("languages", ()),)

    languages: tuple[str, ...] = Field((), description="ISO 639-1 codes to keep; empty keeps all")

    def objection(self, candidate: Candidate) -> str | None:
        """Return the language found.

        Raises:
            RecipeError: the detector does not know a code of `languages`.
        """
        if not self.languages or not candidate.is_prose:
            return None
        text = candidate.wording(candidate.completion.text)
        if num_words(text) < _MIN_WORDS:
            return None
        codes, detect = _detector()
        if unknown := sorted(set(self.languages) - codes):
            raise RecipeError(
                f"filters.languages holds {', '.join(unknown)}; known ISO 639-1 codes: {', '.join(sorted(codes))}"
            )
        found = detect(text)
        return None if found is None or found in self.languages else f"language is {found}"

    def cannot_judge(self, candidate: Candidate) -> bool:
        """Return whether the text is too short for a detector, or has no letters."""
        if not self.languages or not candidate.is_prose:
            return False
        text = candidate.wording(candidate.completion.text)
        return num_words(text) < _MIN_WORDS or not any(map(str.isalpha, text))


@functools.cache
def _detector() -> tuple[frozenset[str], Callable[[str], str | None]]:
    """Return the known codes and their detector."""
    from lingua import Language, LanguageDetectorBuilder

    # low accuracy mode: 60 MB instead of 1.1 GB, and no worse on texts as long as a sentence
    detector = LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode().build()

    def detect(text: str) -> str | None:
        language = detector.detect_language_of(text)
        return language.iso_code_639_1.name.lower() if language else None

    return frozenset(language.iso_code_639_1.name.lower() for language in Language.all()), detect
