"""The columns of rows that the recipe gives no other meaning: they stand in the rows' meta."""

from collections.abc import Sequence
from pathlib import Path

import orjson

from stillhouse.data.groups import KEY
from stillhouse.data.parquet_io import batches
from stillhouse.errors import DataError


def check_columns(path: Path, names: Sequence[str], field: str) -> None:
    """Refuse names of columns that no row in `path` has.

    Args:
        field: the recipe's field that names them.

    Raises:
        DataError: there is one, or the recipe gives the column another meaning.
    """
    metas = (meta for batch in batches(path, ["meta"]) for meta in batch.column("meta").to_pylist())
    found = {name for meta in metas for name in orjson.loads(meta)} - {KEY}
    if missing := [name for name in names if name not in found]:
        known = ", ".join(map(repr, sorted(found))) or "no others"
        raise DataError(
            f"{field} names {missing[0]!r}, which no test row has as a column without another meaning. "
            f"They have {known}."
        )
