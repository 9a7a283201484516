"""The demo's rows: what the data stages keep of them, and that no gold row is near another or a training row."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from stillhouse.data.read import read
from stillhouse.data.sources import resolve
from stillhouse.data.split import split
from stillhouse.data.summaries import SplitSummary, ValidateSummary
from stillhouse.data.turns import read_rows
from stillhouse.data.validate import validate
from stillhouse.recipe.load import RECIPES, load_recipe

DEMO = RECIPES / "demo"


def rows_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DEMO / name).read_text().splitlines()]


# what the demo's README says for measuring on the rows that choices are made on
ON_DEVELOPMENT = {
    "data.test.path": "demo/development.jsonl",
    "data.validation": None,
    "data.validation_fraction": 0,
}


def staged(folder: Path, **overrides: Any) -> tuple[ValidateSummary, SplitSummary]:
    """Read, validate and split the demo."""
    data, skill = (recipe := load_recipe("demo", overrides)).data, recipe.skill
    folders = {}
    for role, source in data.sources.items():
        folders[role] = folder / role
        read(source, resolve(source), role, folders[role])
    return validate(folders, data, skill, folder / "valid"), split(folder / "valid", data, True, folder / "split")


@pytest.mark.parametrize(("overrides", "test", "validation"), [({}, 360, 250), (ON_DEVELOPMENT, 250, 0)])
def test_demo_gold_rows_all_survive_and_no_training_row_repeats_one(
    tmp_path: Path, overrides: dict[str, Any], test: int, validation: int
) -> None:
    valid, sides = staged(tmp_path, **overrides)
    assert (valid.kept["test"], sides.test, sides.near_test) == (test, test, 0)
    assert (valid.kept.get("validation", 0), sides.validation) == (validation, validation)
    assert sides.dropped == {}
    # the same rows to learn from, whatever is measured
    assert (sides.examples, sides.train) == (20, 800)
    # the spoilt rows, each kind of which a stage has to find
    assert {"conflicting_labels", "unknown_label", "label_missing", "exact_duplicate", "near_duplicate"} < {
        *valid.dropped
    }


def test_demo_labelled_rows_left_are_two_of_each_intent(tmp_path: Path) -> None:
    staged(tmp_path)
    left = read_rows(tmp_path / "split" / "examples.parquet")
    assert set(Counter(row["label"] for row in left).values()) == {2}


def test_demo_test_rows_have_each_intent_alike_and_ids_of_their_own() -> None:
    rows = rows_of("test.jsonl")
    assert Counter(row["intent"] for row in rows) == dict.fromkeys(load_recipe("demo").skill.known_labels, 36)
    assert [row["id"] for row in rows] == [f"t{at:03d}" for at in range(360)]
    words = [len(row["message"].split()) for row in rows]
    assert (min(words), max(words)) == (4, 50)


def test_demo_gold_rows_share_less_than_half_of_their_words_with_any_other_row() -> None:
    read_by_stages = json.loads("[" + ",".join(_objects("messages.jsonl") + _objects("labelled.jsonl")) + "]")
    others = [row["message"] for row in read_by_stages if isinstance(row.get("message"), str)]
    test, development = ([row["message"] for row in rows_of(f"{name}.jsonl")] for name in ("test", "development"))
    words = [frozenset(re.findall(r"\w+", text.lower())) for text in [*test, *development, *others]]
    for at, mine in enumerate(words[: len(test)]):
        near = [also for also in words[at + 1 :] if len(mine & also) >= 0.5 * len(mine | also)]
        assert not near, (test[at], near)


def _objects(name: str) -> list[str]:
    """Return the lines of a file that are whole JSON objects; some of the demo's are broken on purpose."""
    return [line for line in (DEMO / name).read_text().splitlines() if line.startswith("{") and line.endswith("}")]
