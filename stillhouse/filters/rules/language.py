"""Drops answers in a language the recipe does not name."""

import functools
from collections.abc import Callable

from stillhouse.errors import RecipeError
from stillhouse.filters.candidate import Candidate
from stillhouse.recipe.filters import Filters

# below this many words a detector guesses
_MIN_WORDS = 4


def rule(candidate: Candidate, filters: Filters) -> str | None:
    """Return why `candidate` is dropped where its prose is in none of `filters.languages`, else None.

    Prose of fewer than four words, and prose no language is found for, is kept.

    Raises:
        RecipeError: for a code the detector does not know.
    """
    text = candidate.completion.text
    if not filters.languages or not candidate.is_prose or len(text.split()) < _MIN_WORDS:
        return None
    known, detect = _detector()
    if unknown := sorted(set(filters.languages) - known):
        raise RecipeError(
            f"filters.languages holds {', '.join(unknown)}; known ISO 639-1 codes: {', '.join(sorted(known))}"
        )
    found = detect(text)
    return None if found is None or found in filters.languages else f"language is {found}"


@functools.cache
def _detector() -> tuple[frozenset[str], Callable[[str], str | None]]:
    """Return the codes known and a detector of them."""
    from lingua import Language, LanguageDetectorBuilder

    # low accuracy mode: 60 MB instead of 1.1 GB, and no worse on texts as long as a sentence
    detector = LanguageDetectorBuilder.from_all_languages().with_low_accuracy_mode().build()

    def detect(text: str) -> str | None:
        language = detector.detect_language_of(text)
        return language.iso_code_639_1.name.lower() if language else None

    return frozenset(language.iso_code_639_1.name.lower() for language in Language.all()), detect
