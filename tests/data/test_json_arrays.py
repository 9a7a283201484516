"""JSON files whose rows are not lines: arrays, values over several lines, a list in an object."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.data import json_stream
from stillhouse.data.json_stream import Layout, pieces
from stillhouse.data.read import read
from stillhouse.data.sources import resolve
from stillhouse.data.summaries import ReadSummary
from stillhouse.errors import DataError
from stillhouse.recipe.data import Columns, Source

ROWS: list[dict[str, Any]] = [
    {"text": f'row {i} {{"x": "\\" ]}}\u2028é', "label": "ab"[i % 2], "parts": [{"n": [1, {}]}]} for i in range(30)
]
LINES = ",\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
FILES = {
    "one line": json.dumps(ROWS),
    "an object a line": f"[\n{LINES}\n]\n",
    "comma first": "[" + "\n, ".join(map(json.dumps, ROWS)) + "]",
    "pretty": json.dumps(ROWS, indent=2, ensure_ascii=False),
    "with a mark": "\ufeff" + json.dumps(ROWS, indent=1),
    "pretty objects": "\n".join(json.dumps(row, indent=2) for row in ROWS),
    "in an object": json.dumps({"version": "1.1", "names": ["a", "b"], "data": ROWS, "more": {"n": [1]}}),
    "in a pretty object": json.dumps({"data": ROWS}, indent=4),
    "lines": "\n".join(map(json.dumps, ROWS)),
    "one row": json.dumps(ROWS[0]),
}


def read_file(path: Path, **source: Any) -> ReadSummary:
    made = Source(path=str(path), columns=Columns(text="text", label="label"), **source)
    return read(made, resolve(made), "train", path.parent / "out")


def quarantine(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path.parent / "out" / "quarantine.jsonl").read_bytes().splitlines()]


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.json.gz"])
def test_read_json_whatever_its_form_and_name_gives_every_row(tmp_path: Path, form: str, name: str) -> None:
    body = FILES[form].encode()
    (tmp_path / name).write_bytes(gzip.compress(body) if name.endswith("gz") else body)
    summary = read_file(tmp_path / name)
    assert (summary.rows, summary.quarantined) == (1 if form == "one row" else 30, {})


def test_read_list_in_an_object_beyond_the_head_is_found(tmp_path: Path) -> None:
    many = [{"text": f"{i} " + "word " * 100, "label": "a"} for i in range(3000)]
    (tmp_path / "a.json").write_text(json.dumps({"version": 2, "data": many}))
    assert read_file(tmp_path / "a.json").rows == 3000


def test_read_line_beyond_the_head_is_a_line(tmp_path: Path) -> None:
    parts = [{"n": "word " * 100} for _ in range(4000)]
    rows = [json.dumps({"text": "a", "label": "b", "paragraphs": parts}), '{"text": "c", "label": "d"}']
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    assert read_file(tmp_path / "a.jsonl").rows == 2


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_pieces_broken_values_are_pieces_of_their_own(size: int) -> None:
    body = b'[\n{"a":1},\n{"a: 2},\n{"a":3},\n{"a":[4},\n{"a":5}, junk,\n{"a":NaN}\n]\n{"a":6}'
    blocks = [body[at : at + size] for at in range(0, len(body), size)]
    assert list(pieces(blocks, "array", "f")) == [
        (2, b'{"a":1}'),
        (3, b'{"a: 2}'),
        (4, b'{"a":3}'),
        (5, b'{"a":[4}'),
        (6, b'{"a":5}'),
        (6, b"junk"),
        (7, b'{"a":NaN}'),
        (9, b'{"a":6}'),
    ]


def test_read_array_with_a_broken_row_keeps_its_line_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(ROWS, indent=1).replace('"label": "b"', '"label": "b', 1))
    summary = read_file(tmp_path / "a.json")
    first = quarantine(tmp_path / "a.json")[0]
    assert summary.rows == 29
    assert first["line"] == 2 + FILES["pretty"].split("\n").index("  {", 2) - 1
    assert base64.b64decode(first["raw"]).endswith(b'"label": "b')


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(), json_values, max_size=3), max_size=5), st.data())
def test_pieces_of_any_values_are_these_values_with_their_lines(
    rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    indent, ascii_only = data.draw(st.sampled_from([None, 0, 2])), data.draw(st.booleans())
    layout: Layout = data.draw(st.sampled_from(["array", "values", "wrapped"]))
    dumped = [json.dumps(row, indent=indent, ensure_ascii=ascii_only) for row in rows]
    inner = ",\n".join(dumped)
    whole = {"array": f"[{inner}]", "values": "\n".join(dumped), "wrapped": f'{{"n": ["x"], "rows": [{inner}]}}'}[
        layout
    ]
    body = whole.encode("utf-8", "surrogatepass")
    size = data.draw(st.integers(1, 40))
    found = list(pieces([body[at : at + size] for at in range(0, len(body), size)], layout, "f"))
    assert [json.loads(raw.decode("utf-8", "surrogatepass")) for _, raw in found] == rows
    lines = body.split(b"\n")
    assert all(raw.split(b"\n")[0] in lines[line - 1] for line, raw in found)


def test_pieces_too_long_value_is_cut_and_the_next_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MAX_LINE_BYTES", 50)
    body = b'[{"a":1},\n{"b":"' + b'x","c":"' * 30 + b'"},\n{"a":2}]'
    found = list(pieces([body[at : at + 10] for at in range(0, len(body), 10)], "array", "f"))
    assert [(line, len(raw)) for line, raw in found] == [(1, 7), (2, 51), (3, 7)]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('[{"text": "a"},\n{"text": "b"}', r"a\.json is cut short: .* never closed"),
        ('{"train": [{"text": "a"}], "test": [{"text": "b"}]}', "several lists of objects"),
        ('{"text": ["a", "b"], "label": ["x", "y"]}', r"one JSON object of columns \('text', 'label'\)"),
        ('{"text": {"0": "a", "1": "b"}, "label": {"0": "x", "1": "y"}}', 'orient="records"'),
    ],
)
def test_read_json_that_holds_no_rows_is_refused_with_what_to_write(tmp_path: Path, body: str, message: str) -> None:
    (tmp_path / "a.json").write_text(body)
    with pytest.raises(DataError, match=message):
        read_file(tmp_path / "a.json")


def test_read_record_with_a_list_of_turns_or_tools_is_one_row(tmp_path: Path) -> None:
    for row in (
        {"text": "t", "label": "a", "tools": [{"name": "f"}]},
        {"text": "t", "label": "a", "m": [{"role": "x"}]},
    ):
        (tmp_path / "a.json").write_text(json.dumps(row))
        assert read_file(tmp_path / "a.json").rows == 1
