"""Which prompts a teacher was asked about, if not about all: a training set says nothing of the others."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.data.row import Row

_ASKED, _DRAWN = "asked.parquet", "drawn.parquet"


class Asked(NamedTuple):
    """Ids of the rows that a teacher answered, and of those among them that were drawn at random."""

    rows: frozenset[str]
    drawn: frozenset[str]

    def among(self, rows: Sequence[Row]) -> list[Row]:
        """Return those of `rows` that were asked about."""
        return [row for row in rows if row["id"] in self.rows]

    def drawn_among(self, rows: Sequence[Row]) -> list[Row]:
        """Return those of `rows` that stand for all: a mean over chosen ones would be of the hard ones."""
        return [row for row in rows if row["id"] in self.drawn]


def write_asked(folder: Path, rows: Collection[str], drawn: Collection[str]) -> None:
    """Write asked.parquet and drawn.parquet into `folder`, one line an id."""
    for name, ids in ((_ASKED, rows), (_DRAWN, drawn)):
        pq.write_table(pa.table({"row_id": pa.array(sorted(ids), pa.string())}), folder / name)


def read_asked(folder: Path) -> Asked | None:
    """Return what `write_asked` wrote; None where it wrote nothing, since all were asked about."""
    if not (folder / _ASKED).exists():
        return None
    rows, drawn = (frozenset(pq.read_table(folder / name)["row_id"].to_pylist()) for name in (_ASKED, _DRAWN))
    return Asked(rows, drawn)
