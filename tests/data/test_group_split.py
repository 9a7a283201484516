"""Rows of a group never stand on both sides of a split, whatever else joins or parts rows."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stillhouse.data.groups import group_name, group_of, links
from stillhouse.data.split import split
from stillhouse.data.validate import validate
from stillhouse.errors import DataError
from stillhouse.recipe.data import Data
from stillhouse.skills.classification import Classification

SPLITS = ("train", "validation", "test", "examples")
Rows = list[dict[str, Any]]
Split = Callable[..., tuple[Any, dict[str, Rows]]]


def rows(count: int, num_groups: int, seed: int = 0, first: int = 0) -> Rows:
    rng = random.Random(seed)
    words = [f"word{number}" for number in range(2000)]
    return [
        {
            "text": " ".join(rng.sample(words, 10)),
            "label": rng.choice("ab"),
            "group": f"customer-{first + at % num_groups}",
        }
        for at in range(count)
    ]


@pytest.fixture
def split_groups(tmp_path: Path, read_rows: Callable[..., Path], read_back: Callable[..., Any], data: Data) -> Split:
    """Return a function that validates and splits by groups, and gives the summary and the rows of each split."""

    def run(data: Data = data, **sources: Rows) -> tuple[Any, dict[str, Rows]]:
        folders = {role: read_rows(records, role) for role, records in sources.items()}
        # without its search for near-duplicates, so that split has some to join
        rules = data.model_copy(update={"near_duplicate_similarity": None})
        validate(folders, rules, Classification(), tmp_path / "validated")
        summary = split(tmp_path / "validated", data, "test" in sources, tmp_path / "split", has_groups=True)
        return summary, {name: read_back(tmp_path / "split" / f"{name}.parquet") for name in (*SPLITS, "dropped")}

    return run


def homes(found: dict[str, Rows]) -> dict[str, set[str]]:
    """Return the splits of each group; the labelled examples are training rows."""
    by_group = defaultdict(set)
    for name in SPLITS:
        for row in found[name]:
            by_group[group_of(row["meta"])].add("train" if name == "examples" else name)
    return by_group


@pytest.mark.pitfall("held out")
def test_split_groups_each_stays_whole(split_groups: Split) -> None:
    _, found = split_groups(train=rows(1200, 150))
    assert {len(splits) for splits in homes(found).values()} == {1}
    counts = Counter(split for splits in homes(found).values() for split in splits)
    # shares of groups, as of rows without groups: 0.2 for test, a tenth of the others for validation
    assert counts["test"] == pytest.approx(30, abs=15)
    assert counts["validation"] == pytest.approx(12, abs=9)


def test_split_near_duplicates_of_two_groups_bring_both_together(split_groups: Split) -> None:
    train = rows(400, 100)
    for at in range(0, 100, 2):  # a row of one group is nearly one of the next, in other words but one
        train[at + 1]["text"] = train[at]["text"] + " please"
        train[at + 1]["label"] = train[at]["label"]
    _, found = split_groups(train=train)
    assert {len(splits) for splits in homes(found).values()} == {1}


@pytest.mark.pitfall("held out")
def test_split_test_source_drops_its_groups_elsewhere_and_counts_them(split_groups: Split) -> None:
    summary, found = split_groups(
        train=rows(300, 30), examples=rows(40, 20, seed=1, first=20), test=rows(50, 10, seed=2, first=25)
    )
    of_test = {group_name(f"customer-{number}") for number in range(25, 35)}
    # groups 25 to 29 are among the 30 of train; 25 to 34 among the 20 of the examples
    assert summary.dropped["group_in_test"] == 300 // 30 * 5 + 40 // 20 * 10
    assert len(found["test"]) == 50
    for name in ("train", "validation", "examples"):
        assert not of_test & {group_of(row["meta"]) for row in found[name]}


def test_split_group_with_labelled_examples_is_for_training(split_groups: Split) -> None:
    _, found = split_groups(train=rows(400, 100), examples=rows(20, 20, seed=1))
    of_examples = {group_of(row["meta"]) for row in found["examples"]}
    assert len(of_examples) == 20
    assert not of_examples & {group_of(row["meta"]) for name in ("validation", "test") for row in found[name]}


def test_split_unlabelled_rows_of_a_test_group_are_dropped(split_groups: Split) -> None:
    train = rows(800, 100)
    for row in train[::2]:  # every other customer, and below half of the others' rows
        row["label"] = None
    for row in train[1::6]:
        row["label"] = None
    summary, found = split_groups(train=train)
    assert {len(splits) for splits in homes(found).values()} == {1}
    of_test = {group_of(row["meta"]) for row in found["test"]}
    dropped = [row for row in found["dropped"] if row["reason"] == "group_in_test"]
    assert dropped
    assert summary.dropped["group_in_test"] == len(dropped)
    assert all(row["label"] is None and group_of(row["meta"]) in of_test for row in dropped)


def test_split_grown_groups_stay_where_they_were(split_groups: Split) -> None:
    old = rows(300, 60)
    _, before = split_groups(train=old)
    _, after = split_groups(train=[*old, *rows(600, 90, seed=5)])
    known = homes(before)
    assert {group: splits for group, splits in homes(after).items() if group in known} == known


def test_split_group_that_loses_its_first_row_stays_where_it_was(split_groups: Split) -> None:
    whole = rows(300, 60)
    _, before = split_groups(train=whole)
    _, after = split_groups(train=whole[60:])
    assert homes(after) == homes(before)


def test_split_row_without_a_group_is_drawn_by_itself(split_groups: Split) -> None:
    train = rows(400, 400)
    for row in train:
        row["group"] = None
    train[0]["group"] = " "
    train.append({**rows(1, 1, seed=9)[0], "group": "alone"})
    summary, _ = split_groups(train=train)
    assert summary.test == pytest.approx(80, abs=30)


def test_split_test_rows_of_one_group_are_refused(split_groups: Split) -> None:
    with pytest.raises(DataError, match="All 30 test rows are of one group"):
        split_groups(train=rows(200, 100), test=rows(30, 1, seed=3, first=500))


def test_group_name_of_mail_addresses_is_letters_that_no_search_replaces() -> None:
    names = [group_name(value) for value in ("ann@example.com", "bob@example.com", "4111111111111111", "7")]
    assert len(set(names)) == 4
    assert all(name.isalpha() and len(name) == 16 for name in names)


def test_links_join_the_rows_of_each_group_and_no_others() -> None:
    found = links(np.array([3, -1, 0, 3, 0, 3, -1]))
    assert sorted(map(tuple, found.tolist())) == [(0, 3), (2, 4), (3, 5)]


def test_groups_that_are_mail_addresses_stay_apart_where_personal_data_is_redacted(
    tmp_path: Path, read_rows: Callable[..., Path], read_back: Callable[..., Any], data: Data
) -> None:
    train = [{**row, "group": f"person{at % 3}@example.com"} for at, row in enumerate(rows(30, 3))]
    rules = data.model_copy(update={"personal_data": "redact"})
    validate({"train": read_rows(train)}, rules, Classification(), tmp_path / "validated")
    found = read_back(tmp_path / "validated" / "rows.parquet")
    # the column itself is redacted to one mark
    assert {json.loads(row["meta"])["group"] for row in found} == {"<EMAIL>"}
    assert Counter(group_of(row["meta"]) for row in found) == Counter({group_name(row["group"]): 10 for row in train})
