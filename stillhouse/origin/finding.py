"""What a verification finds, and what it says at its end."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from stillhouse.origin.trees import Change

REBUILD = "Take it from a copy of the store. If there is none, run the recipe again, and register what it makes."
PULL = "Pull the model again, from a store that you trust."
DISTRUST = "Don't use the model until whoever signed or registered it has explained this."


class Finding(NamedTuple):
    """One thing that is not as the statement or the signature says."""

    where: str  # the file, stage, score or field
    expected: str
    found: str
    advice: str


def changed(where: str, changes: Iterable[Change], advice: str) -> Iterator[Finding]:
    """Yield a finding for each changed value of `where`."""
    for one in changes:
        name = f"{where}: {one.path}" if one.path else where
        yield Finding(name, one.expected or "no such value", one.found or "no such value", advice)
