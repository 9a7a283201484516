"""Labels of the sources, compared: forms of one label, and labels that stand on one side only."""

import json
import logging
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhouse.data.labels import check_forms, log_one_sided, one_sided
from stillhouse.data.read import read
from stillhouse.data.sources import resolve
from stillhouse.data.validate import validate
from stillhouse.errors import DataError
from stillhouse.recipe.data import Columns, Data, Source
from stillhouse.skills.classification import Classification

ReadRows = Callable[..., Path]


def rows(*labels: Any) -> list[dict[str, Any]]:
    return [{"text": f"{chr(97 + at) * 6} {label}", "label": label} for at, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (["Yes", "No"], ["yes", "No"]),
        (["1.0", "0.0"], ["1", "0"]),
        (["01", "2"], ["1", "2"]),
        (["caf\u00e9", "b"], ["cafe\u0301", "b"]),
        (["ＡＢＣ", "b"], ["ABC", "b"]),
        (["bank  transfer", "b"], ["bank transfer", "b"]),
        (["bank\u00a0transfer", "b"], ["bank transfer", "b"]),
        (["STRASSE", "b"], ["straße", "b"]),
        (["true", "false"], ["True", "False"]),
        (["１", "2"], ["1", "2"]),
        (["not_entailment", "b"], ["not-entailment", "b"]),
        (["card_arrival", "b"], ["Card Arrival", "b"]),
    ],
)
def test_validate_forms_of_one_label_are_refused_with_what_to_write(
    tmp_path: Path, read_rows: ReadRows, data: Data, train: list[str], test: list[str]
) -> None:
    folders = {"train": read_rows(rows(*train), "train"), "test": read_rows(rows(*test), "test")}
    with pytest.raises(
        DataError, match=r"in their form alone.*data\.train: 1 rows.*data\.test: 1 rows.*Write one form"
    ):
        validate(folders, data, Classification(), tmp_path / "out")
    both = tuple(dict.fromkeys([*train, *test]))
    assert validate(folders, data, Classification(labels=both), tmp_path / "out").labels == both


def test_validate_form_that_is_not_the_recipes_is_refused_by_name(
    tmp_path: Path, read_rows: ReadRows, data: Data
) -> None:
    folders = {"train": read_rows(rows("Billing", "goods"))}
    with pytest.raises(DataError, match=r"'billing' \(skill\.labels\).*'Billing' \(data\.train: 1 rows\)"):
        validate(folders, data, Classification(labels=("billing", "goods")), tmp_path / "out")


@pytest.mark.parametrize(
    "labels", [["A+", "A", "A-"], ["<5", ">5", "5"], ["C", "C++", "C#"], ["1", "1.5", "-1"], ["o", "ö"]]
)
def test_check_forms_labels_that_differ_in_more_than_form_pass(labels: list[str]) -> None:
    check_forms({"train": dict.fromkeys(labels, 1)}, ())


@given(st.text(min_size=1), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_check_forms_finds_every_unicode_form(label: str, form: Any) -> None:
    other = unicodedata.normalize(form, label)
    if other == label:
        check_forms({"train": {label: 1}, "test": {other: 1}}, ())
    else:
        with pytest.raises(DataError, match="form alone"):
            check_forms({"train": {label: 1}, "test": {other: 1}}, ())


@pytest.mark.parametrize("name", ["train.csv", "train.parquet", "train.jsonl"])
def test_validate_float_labels_are_refused_in_every_format(tmp_path: Path, data: Data, name: str) -> None:
    """As pandas writes a column of whole numbers with gaps."""
    path, floats = tmp_path / name, [0.0, 1.0, None, 1.0]
    if name.endswith("csv"):
        path.write_text(
            "text,label\n" + "".join(f"message {i},{'' if x is None else x}\n" for i, x in enumerate(floats))
        )
    elif name.endswith("parquet"):
        gaps = pa.array([0.0, 1.0, float("nan"), 1.0])
        pq.write_table(pa.table({"text": [f"message {i}" for i in range(4)], "label": gaps}), path)
    else:
        path.write_text("".join(json.dumps({"text": f"message {i}", "label": x}) + "\n" for i, x in enumerate(floats)))
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(0, 1)))
    for role, file in (("train", path), ("test", tmp_path / "test.jsonl")):
        source = Source(path=str(file), columns=Columns(text="text", label="label"))
        summary = read(source, resolve(source), role, tmp_path / role)  # type: ignore[arg-type]
        assert not summary.quarantined
    with pytest.raises(DataError, match=r"'1\.0' \(data\.train: 2 rows\).*'1' \(data\.test: 1 rows\).*Int64"):
        validate({role: tmp_path / role for role in ("train", "test")}, data, Classification(), tmp_path / "out")


def test_validate_labels_on_one_side_only_are_named(
    tmp_path: Path, read_rows: ReadRows, data: Data, caplog: pytest.LogCaptureFixture
) -> None:
    folders = {"train": read_rows(rows("a", "b", "c"), "train"), "test": read_rows(rows("b", "a", "d"), "test")}
    summary = validate(folders, data, Classification(), tmp_path / "out")
    assert summary.one_sided == {"test": ("d",), "train": ("c",)}
    with caplog.at_level(logging.WARNING, "stillhouse"):
        log_one_sided(summary.one_sided)
    assert "never be learnt: 'd'" in caplog.text
    assert "not measured: 'c'" in caplog.text


def test_validate_test_labels_that_no_other_row_has_are_refused(
    tmp_path: Path, read_rows: ReadRows, data: Data
) -> None:
    folders = {"train": read_rows(rows("0", "1"), "train"), "test": read_rows(rows("neg", "pos"), "test")}
    with pytest.raises(DataError, match=r"data\.test has 'neg', 'pos', the others have '0', '1'"):
        validate(folders, data, Classification(), tmp_path / "out")


def test_one_sided_unlabelled_training_rows_are_not_compared() -> None:
    assert one_sided({"test": {"a": 1}}) == one_sided({"train": {"a": 1}}) == {}


def test_one_sided_labels_that_only_the_recipe_names_are_a_side() -> None:
    counts = {"train": {"a": 1, "b": 1}, "test": {"a": 1}}
    assert one_sided(counts, ("a", "c", "b")) == {"train": ("b",), "recipe": ("c",)}


def test_validate_unknown_label_names_it_and_those_allowed(tmp_path: Path, read_rows: ReadRows, data: Data) -> None:
    folders = {"train": read_rows(rows("a", "b", "x"))}
    validate(folders, data, Classification(labels=("b", "a")), tmp_path / "out")
    (row,) = pq.read_table(tmp_path / "out" / "dropped.parquet").to_pylist()
    assert row["detail"] == "'x' is not in skill.labels ('a', 'b')"
