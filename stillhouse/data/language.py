"""Says which texts are surely not in the languages a recipe keeps; short texts get the benefit of the doubt."""

import functools
from collections.abc import Sequence
from typing import Any

from stillhouse.errors import DataError

_UNLIKELY = 0.05  # a text is kept from this probability of all wanted languages together
_MIN_LETTERS = 20  # below this only a script of its own identifies a language


def foreign(texts: Sequence[str], languages: tuple[str, ...]) -> list[str | None]:
    """Return for each text its language's ISO 639-1 code if that is surely none of `languages`, else None.

    A text under 20 letters counts as foreign only if its script rules out all of `languages`.

    Raises:
        DataError: a code of `languages` is unknown to the detector.
    """
    detector = _detector()
    wanted = {_language(code) for code in languages}
    ranked = detector.compute_language_confidence_values_in_parallel(list(texts))
    return [_verdict(text, values, wanted) for text, values in zip(texts, ranked, strict=True)]


def _verdict(text: str, values: Sequence[Any], wanted: set[Any]) -> str | None:
    if not values:
        return None
    chance = sum(value.value for value in values if value.language in wanted)
    letters = sum(character.isalpha() for character in text)
    bound = _UNLIKELY if letters >= _MIN_LETTERS else 1e-12
    if values[0].language in wanted or values[0].value == 0.0 or chance >= bound:
        return None
    return str(values[0].language.iso_code_639_1.name.lower())


def _language(code: str) -> Any:
    from lingua import Language

    by_code = {language.iso_code_639_1.name.lower(): language for language in Language.all()}
    if code.lower() not in by_code:
        raise DataError(f"data.languages holds {code!r}. It takes ISO 639-1 codes: {', '.join(sorted(by_code))}.")
    return by_code[code.lower()]


@functools.cache
def _detector() -> Any:
    from lingua import LanguageDetectorBuilder

    return LanguageDetectorBuilder.from_all_languages().build()


def languages_of(texts: Sequence[str], codes: tuple[str, ...]) -> list[str]:
    """Return which of the languages `codes` (ISO 639-1, at least two) each text is in, or "unknown".

    Raises:
        DataError: a code is unknown to the detector.
    """
    from lingua import LanguageDetectorBuilder

    # of these alone: the detector of all languages takes a gigabyte
    detector = LanguageDetectorBuilder.from_languages(*[_language(code) for code in codes]).build()
    found = detector.detect_languages_in_parallel_of(list(texts))
    return ["unknown" if language is None else language.iso_code_639_1.name.lower() for language in found]
