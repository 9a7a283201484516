"""The file of students' answers to the validation rows, by contestant and draw."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.metrics.metric import Answers

_FILE = "answers.parquet"
_SCHEMA = pa.schema([("contestant", pa.int32()), ("draw", pa.int32()), ("answers", pa.list_(pa.string()))])


def write_answers(out: Path, found: Sequence[Sequence[Answers]]) -> None:
    """Write answers.parquet into `out`; `found` is [contestants][draws][rows]."""
    lines = [
        {"contestant": at, "draw": draw, "answers": list(answers)}
        for at, of_contestant in enumerate(found)
        for draw, answers in enumerate(of_contestant)
    ]
    pq.write_table(pa.Table.from_pylist(lines, schema=_SCHEMA), out / _FILE, compression="zstd")


def read_answers(folder: Path) -> list[list[Answers]]:
    """Return the answers, [contestants][draws][rows], of an answers.parquet."""
    found: dict[int, list[Answers]] = {}
    for line in pq.read_table(folder / _FILE).to_pylist():
        found.setdefault(line["contestant"], []).append(line["answers"])
    return [found[at] for at in sorted(found)]
