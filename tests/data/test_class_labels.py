"""Parquet files of Hugging Face's datasets and of pandas, whose labels are numbers with names."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillhouse.data.formats import form_of, records
from stillhouse.data.read import read
from stillhouse.data.record import InvalidRecord
from stillhouse.data.sources import resolve
from stillhouse.recipe.data import Columns, Source

NAMES = ["neg", "neutral", "pos"]
CLASS = {"names": NAMES, "_type": "ClassLabel"}


def values(path: Path, columns: dict[str, Any], features: dict[str, Any] | None) -> list[Any]:
    table = pa.table(columns)
    if features is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, path / "a.parquet")
    (file,) = resolve(Source(path=str(path / "a.parquet"), columns=Columns(text="text")))
    return [value for _, _, value in records(file, form_of(file))]


def test_parquet_class_labels_are_their_names_and_unlabelled_rows_have_none(tmp_path: Path) -> None:
    found = values(tmp_path, {"label": [0, 2, -1, None], "n": [0, 1, 2, 3]}, {"label": CLASS, "n": {"dtype": "int64"}})
    assert [row["label"] for row in found] == ["neg", "pos", None, None]
    assert [row["n"] for row in found] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "feature", [{"feature": CLASS, "_type": "Sequence"}, {"feature": CLASS, "_type": "List"}, [CLASS]]
)
def test_parquet_class_labels_in_lists_are_their_names(tmp_path: Path, feature: Any) -> None:
    assert values(tmp_path, {"tags": [[0, 1], []]}, {"tags": feature}) == [{"tags": ["neg", "neutral"]}, {"tags": []}]


def test_parquet_class_labels_in_structs_are_their_names(tmp_path: Path) -> None:
    found = values(
        tmp_path, {"s": [{"label": 1, "x": 1}]}, {"s": {"label": CLASS, "x": {"dtype": "int64", "_type": "Value"}}}
    )
    assert found == [{"s": {"label": "neutral", "x": 1}}]


def test_parquet_class_labels_with_gaps_as_pandas_writes_them_are_their_names(tmp_path: Path) -> None:
    floats = pa.array([0.0, 2.0, float("nan"), None])
    assert [row["label"] for row in values(tmp_path, {"label": floats}, {"label": CLASS})] == ["neg", "pos", None, None]


def test_parquet_refused_row_is_shown_as_it_is(tmp_path: Path) -> None:
    values(tmp_path, {"text": ["hello", "bye"], "label": [7, 1]}, {"label": CLASS})
    source = Source(path=str(tmp_path / "a.parquet"), columns=Columns(text="text", label="label"))
    summary = read(source, resolve(source), "train", tmp_path / "out")
    assert [line.text for line in summary.first_quarantined] == ['{"text":"hello","label":7}']


def test_parquet_class_without_a_name_is_no_row(tmp_path: Path) -> None:
    (found,) = values(tmp_path, {"label": [7]}, {"label": CLASS})
    assert isinstance(found, InvalidRecord)
    assert found.reason == "unknown_class"


def test_parquet_file_written_by_datasets_has_names(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(text=datasets.Value("string"), label=datasets.ClassLabel(names=NAMES))
    rows = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [2, 0]}, features=features)
    rows.to_parquet(str(tmp_path / "a.parquet"))
    (file,) = resolve(Source(path=str(tmp_path / "a.parquet"), columns=Columns(text="text")))
    assert [value["label"] for _, _, value in records(file, form_of(file))] == ["pos", "neg"]  # type: ignore[index]


def test_parquet_dictionary_columns_and_plain_numbers_stay_what_they_are(tmp_path: Path) -> None:
    found = values(tmp_path, {"c": pa.array(["x", "y", "x"]).dictionary_encode(), "n": [0, 1, 2]}, None)
    assert found == [{"c": "x", "n": 0}, {"c": "y", "n": 1}, {"c": "x", "n": 2}]
