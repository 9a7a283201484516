"""The rows of a slice: which prompts are in it, and that validation rows take the place of test rows."""

import pyarrow.parquet as pq
import pytest

from stillhouse.data.turns import read_rows, write_rows
from stillhouse.errors import DataError
from stillhouse.racing.slices import read_gold, write_slice
from stillhouse.skills.classification import Classification
from tests.support.builders import make_row

SKILL = Classification(labels=("a", "b"))


def folders(tmp_path, gold=25, unlabelled=5):
    split, out = tmp_path / "split", tmp_path / "out"
    split.mkdir()
    out.mkdir()
    train = [make_row(f"p{at}", text=f"prompt {at}") for at in range(40)]
    train += [make_row(f"l{at}", "a", text=f"labelled {at}") for at in range(4)]
    validation = [make_row(f"v{at}", "b", text=f"gold {at}", source="validation") for at in range(gold)]
    validation += [make_row(f"u{at}", text=f"bare {at}") for at in range(unlabelled)]
    write_rows(split / "train.parquet", train)
    write_rows(split / "validation.parquet", validation)
    write_rows(split / "examples.parquet", [make_row("e", "a", text="example")])
    return split, out


def test_slice_has_some_prompts_all_labelled_rows_and_the_gold_validation_rows(tmp_path):
    split, out = folders(tmp_path)
    found = write_slice(split / "train.parquet", split, SKILL, 10, 0, out, skip_labelled=True)
    assert (found.prompts, found.available, found.gold) == (10, 40, 25)
    ids = [row["id"] for row in read_rows(out / "train.parquet")]
    asked = pq.read_table(out / "prompts.parquet")["row_id"].to_pylist()
    assert asked == [one for one in ids if one.startswith("p")]
    assert [one for one in ids if one.startswith("l")] == ["l0", "l1", "l2", "l3"]
    assert read_rows(out / "validation.parquet") == []
    assert {row["id"] for row in read_gold(out, SKILL)} == {f"v{at}" for at in range(25)}


def test_slice_asks_about_labelled_rows_too_where_the_recipe_does(tmp_path):
    split, out = folders(tmp_path)
    found = write_slice(split / "train.parquet", split, SKILL, 10, 0, out, skip_labelled=False)
    assert (found.prompts, found.available) == (10, 44)
    assert len(read_rows(out / "train.parquet")) == 10


@pytest.mark.parametrize(("gold", "said"), [(0, "0 of 5 validation rows"), (19, "19 of 24 validation rows")])
def test_slice_without_enough_labelled_validation_rows_is_refused(tmp_path, gold, said):
    split, out = folders(tmp_path, gold=gold)
    with pytest.raises(DataError, match=rf"{said} have a reference.*data\.validation"):
        write_slice(split / "train.parquet", split, SKILL, 10, 0, out, skip_labelled=True)
