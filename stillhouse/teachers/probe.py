"""Which prompts a probe sends, and the table of all requests that a run would make.

An engine and an endpoint are probed alike, and the plan is made from what is written here.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.completions.column_buffer import CompletionBuffer
from stillhouse.completions.completion import CompletionSlot
from stillhouse.completions.table import FREE_TEXT, AnswerForm
from stillhouse.teachers.spec import read_row_ids

# the parts of a probe, by the words that stored ones hold
PROMPT_ROWS = "lessons"
TEST_ROWS = "test rows"
ASKED_SCHEMA = pa.schema(
    [
        ("part", pa.string()),
        ("row_id", pa.string()),
        ("sample_index", pa.int32()),
        ("key", pa.string()),
        ("size", pa.int64()),  # of the prompt: tokens if they are known, else bytes
    ]
)


def prompts_of(slots: Iterable[CompletionSlot]) -> dict[str, tuple[str, ...]]:
    """Return the keys of each distinct prompt's rollouts, by the key of its first one."""
    prompts: dict[str, list[str]] = {}
    keys: list[str] = []
    for _, rollout_index, key in slots:
        keys = [key] if rollout_index == 0 else [*keys, key]
        prompts[keys[0]] = keys
    return {first: tuple(rollouts) for first, rollouts in prompts.items()}


def choose_keys(
    slots: Iterable[CompletionSlot], stored: CompletionBuffer, max_prompts: int, among: str | None = None
) -> list[str]:
    """Return the keys of up to `max_prompts` prompts that lack a completion, out of the rows in the file `among`.

    Those with the lowest keys: a key is the SHA-256 of its content, so this is a random sample that is always the same.
    """
    if among is not None:
        rows = read_row_ids(among)
        slots = (slot for slot in slots if slot.row_id in rows)
    open_prompts = {first: keys for first, keys in prompts_of(slots).items() if any(key not in stored for key in keys)}
    return [key for first in sorted(open_prompts)[:max_prompts] for key in open_prompts[first]]


def write_probe(
    out: Path,
    slots: Mapping[str, Iterable[CompletionSlot]],
    sizes: Mapping[str, int],
    chosen: list[str],
    *,
    is_exact: bool,
    form: AnswerForm = FREE_TEXT,
) -> None:
    """Write asked.parquet, a line for each slot of each part, and probe.json with the keys chosen.

    `is_exact` says that sizes are tokens and not bytes.
    """
    lines = [
        {"part": part, "row_id": row_id, "sample_index": rollout_index, "key": key, "size": sizes[key]}
        for part, part_slots in slots.items()
        for row_id, rollout_index, key in part_slots
    ]
    pq.write_table(pa.Table.from_pylist(lines, schema=ASKED_SCHEMA), out / "asked.parquet")
    answers = {name: sorted(ids) if isinstance(ids, frozenset) else ids for name, ids in form._asdict().items()}
    (out / "probe.json").write_text(json.dumps({"keys": chosen, "is_exact": is_exact, "answers": answers}))
