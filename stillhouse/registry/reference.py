"""How a version of a model is named: NAME@alias or NAME/3, in a recipe with `models:/` before it."""

import re
from dataclasses import dataclass

from stillhouse.errors import ModelError
from stillhouse.registry.version import NAME_PATTERN

SCHEME = "models:/"
CHAMPION, CHALLENGER = "champion", "challenger"

_NAME = re.compile(NAME_PATTERN)
_ALIAS = re.compile(r"[a-z][a-z0-9_-]*")
_NUMBER = re.compile(r"[1-9]\d*")


@dataclass(frozen=True)
class Reference:
    """A model with an alias or the number of a version; one of both is given."""

    name: str
    alias: str = ""
    version: int = 0

    def __str__(self) -> str:
        return f"{self.name}@{self.alias}" if self.alias else f"{self.name}/{self.version}"


def parse_reference(text: str) -> Reference:
    """Return what `text` names; `models:/` before it may be left out.

    Raises:
        ModelError: it has another form.
    """
    plain = text.removeprefix(SCHEME)
    name, sign, alias = plain.partition("@")
    if sign and _NAME.match(name) and _ALIAS.fullmatch(alias):
        return Reference(name, alias=alias)
    name, sign, number = plain.partition("/")
    if sign and _NAME.match(name) and _NUMBER.fullmatch(number):
        return Reference(name, version=int(number))
    raise ModelError(f"{text!r} names no version of a model: it must be NAME@alias or NAME/3, as demo@champion.")


def checked_alias(alias: str) -> str:
    """Return `alias`.

    Raises:
        ModelError: it is no word of small letters, digits, `-` and `_`.
    """
    if not _ALIAS.fullmatch(alias):
        raise ModelError(f"{alias!r} is no alias: small letters, digits, `-` and `_`, a letter first, as champion.")
    return alias
