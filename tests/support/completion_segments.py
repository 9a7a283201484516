"""The segment files of a completion store, and the completions in them."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq

from stillhouse.artifacts.store import Store
from stillhouse.completions.completion import Completion
from stillhouse.completions.store import CompletionStore
from tests.support.builders import TEACHER


def segments_of(store: Store) -> list[Path]:
    return sorted((Path(store.config.url) / "completions" / TEACHER).iterdir())


def count_stored(store: Store) -> int:
    """Return how many completions are stored, with failed ones and repeats of a key."""
    return sum(pq.read_metadata(path).num_rows for path in segments_of(store))


def look_up(completions: CompletionStore, keys: Iterable[str], min_logprobs: int) -> dict[str, Completion]:
    return {completion.key: completion for completion in completions.stream(keys, min_logprobs)}
