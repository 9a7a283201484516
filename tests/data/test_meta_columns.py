from pathlib import Path

import pytest

from stillhouse.data.meta_columns import check_columns
from stillhouse.data.turns import write_rows
from stillhouse.errors import DataError

TURNS = [{"role": "user", "content": "hi"}]


def test_check_columns_names_what_is_missing_and_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "test.parquet"
    metas = ('{"store":1,"@group":"x"}', '{"day":2}')
    write_rows(
        path, [{"id": str(at), "messages": TURNS, "references": [], "meta": meta} for at, meta in enumerate(metas)]
    )
    check_columns(path, ("store", "day"), "evaluation.slices")
    with pytest.raises(DataError, match=r"evaluation.slices names 'shop', .* They have 'day', 'store'\."):
        check_columns(path, ("store", "shop"), "evaluation.slices")
