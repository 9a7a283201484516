"""What a probe asks: some prompts at random, and the table of all that a run would ask.

Separate because engine and endpoint are probed in the same way, and the plan is made of what is written here.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.teachers.spec import read_row_ids

Place = tuple[str, int, str]  # row id, sample index, key

LESSONS = "lessons"
TEST_ROWS = "test rows"
ASKED_SCHEMA = pa.schema(
    [
        ("part", pa.string()),
        ("row_id", pa.string()),
        ("sample_index", pa.int32()),
        ("key", pa.string()),
        ("size", pa.int64()),  # of the prompt: tokens where they are known, else bytes
    ]
)


def prompts_of(places: Iterable[Place]) -> dict[str, tuple[str, ...]]:
    """Return the keys of each distinct prompt's samples, by the key of its first one."""
    found: dict[str, list[str]] = {}
    keys: list[str] = []
    for _, index, key in places:
        keys = [key] if index == 0 else [*keys, key]
        found[keys[0]] = keys
    return {first: tuple(samples) for first, samples in found.items()}


def choose(places: Iterable[Place], is_stored: Callable[[str], bool], most: int, among: str | None = None) -> list[str]:
    """Return the keys of up to `most` prompts of which not all answers are stored, out of the rows `among` names.

    Those with the lowest keys: SHA-256 of their content, and so a random sample that is the same each time.
    """
    if among is not None:
        rows = read_row_ids(among)
        places = (place for place in places if place[0] in rows)
    open_prompts = {
        first: keys for first, keys in prompts_of(places).items() if not all(is_stored(key) for key in keys)
    }
    return [key for first in sorted(open_prompts)[:most] for key in open_prompts[first]]


def write_probe(
    out: Path, places: Mapping[str, Iterable[Place]], sizes: Mapping[str, int], chosen: list[str], **told: Any
) -> None:
    """Write asked.parquet, a line for each row and sample of each part, and probe.json with the keys chosen."""
    lines = [
        {"part": part, "row_id": row_id, "sample_index": index, "key": key, "size": sizes[key]}
        for part, found in places.items()
        for row_id, index, key in found
    ]
    pq.write_table(pa.Table.from_pylist(lines, schema=ASKED_SCHEMA), out / "asked.parquet")
    (out / "probe.json").write_text(json.dumps({"keys": chosen, **told}))
