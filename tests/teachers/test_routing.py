import json
import logging
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.completions.table import ANSWER_SCHEMA, lines_by_row, mixed
from stillhouse.errors import DataError
from stillhouse.teachers.requests import rows_of
from stillhouse.teachers.routing import routed, value_of
from tests.support.api.requests import spec, teacher


def row(row_id: str, label: str | None = None, **meta: Any) -> dict[str, Any]:
    return {"id": row_id, "label": label, "meta": json.dumps(meta)}


@pytest.mark.parametrize(
    ("meta", "expected"),
    [({"channel": " web "}, "web"), ({"channel": 3}, "3"), ({"channel": True}, "true"), ({"channel": ""}, None)],
)
def test_value_of_a_row_is_text_whatever_its_column_holds(meta: dict[str, Any], expected: str | None):
    assert value_of(row("a", **meta), "channel") == expected
    assert value_of(row("a", "gold"), None) == "gold"


def test_routed_follows_the_map_and_sends_the_rest_to_the_default():
    rows = [row("a", channel="web"), row("b", channel="mail"), row("c", channel="fax"), row("d")]
    places = {"web": 0, "mail": 1}
    assert routed(rows, places, 1, "channel", 0) == ["a"]
    assert routed(rows, places, 1, "channel", 1) == ["b", "c", "d"]
    assert routed([row("a", "x"), row("b", "y")], {"x": 1}, 0, None, 1) == ["a"]


values = st.sampled_from(["web", "mail", "fax", "", None])


@given(
    st.lists(st.tuples(st.integers(0, 8), values), max_size=20),
    st.dictionaries(st.sampled_from(["web", "mail", "post"]), st.integers(0, 2)),
    st.integers(0, 2),
)
def test_routed_gives_every_row_to_exactly_one_teacher(found, places, default):
    # a row that balancing repeats has one id and one value
    rows = [row(str(number), channel=value) for number, value in dict(found).items()] * 2 + [row("z", channel="web")]
    shares = [routed(rows, places, default, "channel", teacher) for teacher in range(3)]
    together = [row_id for share in shares for row_id in share]
    assert sorted(together) == sorted({one["id"] for one in rows})
    order = list(dict.fromkeys(one["id"] for one in rows))
    assert all(share == [row_id for row_id in order if row_id in share] for share in shares)


def test_routed_by_an_unknown_column_names_the_known_ones():
    with pytest.raises(DataError, match=r"'chanel', and no prompt has a value.*rows have channel, day.*'channel'\?"):
        routed([row("a", channel="web", day=1)], {"web": 0}, 0, "chanel", 0)


def test_routed_to_a_value_without_rows_is_logged(caplog):
    with caplog.at_level(logging.WARNING):
        routed([row("a", channel="web")], {"web": 0, "mial": 0, "fax": 1}, 0, "channel", 0)
    assert "no prompt has 'mial'" in caplog.text
    assert "fax" not in caplog.text


def test_rows_of_a_teacher_are_those_routed_to_it(tmp_path: Path):
    asked = spec(tmp_path, teacher(), num_rows=5)
    pq.write_table(pa.table({"row_id": ["r3", "r1", "unknown"]}), tmp_path / "only.parquet")
    assert [one["id"] for one in rows_of(asked)] == [f"r{number}" for number in range(5)]
    routed_to_it = asked.model_copy(update={"only": str(tmp_path / "only.parquet")})
    assert [one["id"] for one in rows_of(routed_to_it)] == ["r1", "r3"]


def test_mixed_completions_keep_their_teacher_and_their_order(tmp_path: Path):
    tables = {}
    for number, row_ids in ((2, ["b"]), (1, ["a", "b"])):
        tables[number] = tmp_path / f"{number}.parquet"
        lines = [{"row_id": row_id, "sample_index": 0, "text": f"{row_id} by {number}"} for row_id in row_ids]
        pq.write_table(pa.Table.from_pylist(lines, schema=ANSWER_SCHEMA), tables[number])
    found = lines_by_row(mixed(tables))
    assert [line["text"] for line in found["b"]] == ["b by 1", "b by 2"]
    assert [line["teacher_number"] for line in found["b"]] == [1, 2]
    assert mixed({}).num_rows == 0
