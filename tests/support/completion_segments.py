"""The segment files of a completion store."""

from pathlib import Path

from stillhouse.artifacts.store import Store
from tests.support.builders import TEACHER


def segments_of(store: Store) -> list[Path]:
    return sorted((Path(store.config.url) / "completions" / TEACHER).iterdir())
