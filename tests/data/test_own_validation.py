"""Labelled validation rows of a user's own: no model learns from them, and test rows have no part in choices."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillhouse.data.validate import validate
from stillhouse.errors import DataError
from stillhouse.recipe.data import Data
from stillhouse.skills.classification import Classification
from stillhouse.skills.qa import Qa

LEAK = "alpha beta gamma delta epsilon zeta eta theta iota kappa"
RUN = "one two three four five six seven eight nine ten"


def texts(count: int, seed: int = 0, **fields: Any) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    words = [f"word{number}" for number in range(2000)]
    return [{"text": " ".join(rng.sample(words, 10)), "label": "ab"[at % 2], **fields} for at in range(count)]


@pytest.fixture
def own(data: Data) -> Data:
    """Return the settings of a recipe whose validation rows are its own."""
    return data.model_copy(update={"validation_fraction": 0.0})


def test_own_validation_rows_are_the_whole_validation_split(split_rows: Callable[..., Any], own: Data) -> None:
    summary, names = split_rows(own, train=texts(200), test=texts(30, seed=1), validation=texts(20, seed=2))
    assert names["validation"] == [f"validation-{at}" for at in range(20)]
    assert (summary.train, summary.validation, summary.test, summary.dropped) == (200, 20, 30, {})


@pytest.mark.pitfall("held out")
def test_own_validation_rows_leave_no_copy_to_learn_from(split_rows: Callable[..., Any], own: Data) -> None:
    validation = [{"text": LEAK, "label": "a"}, {"text": RUN, "label": "b"}, *texts(20, seed=1)]
    train = [
        {"text": LEAK},
        {"text": RUN + " eleven"},
        {"text": "well " + RUN.replace("one", "none") + " or"},
        *texts(30, seed=2),
    ]
    examples = [validation[5], *texts(4, seed=3)]
    summary, names = split_rows(own, train=train, examples=examples, test=texts(20, seed=4), validation=validation)
    assert set(names["dropped"]) == {"train-0", "train-1", "train-2", "examples-0"}
    assert summary.dropped == {"validation_exact": 2, "validation_near": 1, "validation_run": 1}
    assert "validation row 'validation-1'" in summary.examples_dropped["validation_near"]
    assert len(names["validation"]) == 22
    # what a prompt may show
    assert names["examples"] == [f"examples-{at}" for at in range(1, 5)]


@pytest.mark.pitfall("held out")
def test_own_validation_rows_that_repeat_test_rows_are_dropped(split_rows: Callable[..., Any], own: Data) -> None:
    test = [{"text": LEAK, "label": "a"}, *texts(20, seed=1)]
    validation = [{"text": LEAK, "label": "a"}, {"text": LEAK + " nu", "label": "a"}, *texts(10, seed=2)]
    train = [{"text": LEAK + " xi"}, *texts(30, seed=3)]
    summary, names = split_rows(own, train=train, test=test, validation=validation)
    assert summary.dropped == {"contaminated_exact": 1, "contaminated_near": 2}
    assert set(names["dropped"]) == {"validation-0", "validation-1", "train-0"}
    assert len(names["test"]) == 21


def test_own_validation_rows_labelled_out_of_train_leave_it(split_rows: Callable[..., Any], own: Data) -> None:
    train = [{"text": row["text"]} for row in texts(60)]
    summary, names = split_rows(own, train=train, test=texts(20, seed=1), validation=texts(60)[:40])
    assert names["train"] == [f"train-{at}" for at in range(40, 60)]
    assert summary.dropped == {"validation_exact": 40}


def test_own_validation_row_keeps_its_repeat_as_a_test_row_does(split_rows: Callable[..., Any], own: Data) -> None:
    again = [{"text": LEAK, "label": "a"}, {"text": LEAK, "label": "a"}, {"text": RUN, "label": "b"}]
    _, names = split_rows(own, train=texts(30), test=texts(9, seed=1), validation=again)
    assert len(names["validation"]) == 3
    strict = own.model_copy(update={"exact_duplicates": "drop_in_test_too"})
    _, names = split_rows(strict, train=texts(30), test=texts(9, seed=1), validation=again)
    assert names["validation"] == ["validation-0", "validation-2"]


def test_own_validation_equal_to_test_is_refused(split_rows: Callable[..., Any], own: Data) -> None:
    rows = texts(30)
    with pytest.raises(DataError, match=r"data\.validation overlaps data\.test: 30 of its 30 rows"):
        split_rows(own, train=texts(30, seed=1), test=rows, validation=rows[::-1])
    with pytest.raises(DataError, match=r"data\.validation overlaps data\.test: 8 of its 15 rows"):
        split_rows(own, train=texts(30, seed=1), test=rows, validation=[*rows[:8], *texts(7, seed=2)])
    summary, _ = split_rows(own, train=texts(30, seed=1), test=rows, validation=[*rows[:7], *texts(8, seed=2)])
    assert (summary.validation, summary.dropped) == (8, {"contaminated_exact": 7})


def test_own_validation_equal_to_train_is_refused(split_rows: Callable[..., Any], own: Data) -> None:
    rows = texts(30)
    with pytest.raises(DataError, match=r"data\.validation holds all 30 rows of data\.train"):
        split_rows(own, train=rows, test=texts(9, seed=1), validation=rows[::-1])


def test_own_validation_near_test_rows_alone_is_refused(split_rows: Callable[..., Any], own: Data) -> None:
    near = [{**row, "text": row["text"] + " extra"} for row in texts(9, seed=1)]
    with pytest.raises(DataError, match=r"(?s)no row of data\.validation.*contaminated_near: 9"):
        split_rows(own, train=texts(30), test=texts(9, seed=1), validation=near)


@pytest.mark.pitfall("held out")
def test_own_validation_groups_stay_out_of_training_and_of_test(split_rows: Callable[..., Any], own: Data) -> None:
    copied = texts(1, seed=8)[0]
    summary, names = split_rows(
        own,
        train=[
            *texts(5, group="both"),
            copied | {"group": "both"},
            *texts(20, seed=1, group="train"),
            *texts(2, seed=5, group="tested"),
        ],
        examples=[*texts(2, seed=2, group="both"), *texts(2, seed=6, group="shown")],
        test=[*texts(9, seed=3, group="tested"), copied | {"group": "too"}],
        validation=[*texts(4, seed=4, group="both"), *texts(3, seed=7, group="tested")],
    )
    assert names["train"] == [f"train-{at}" for at in range(6, 26)]
    assert names["examples"] == ["examples-2", "examples-3"]
    assert names["validation"] == [f"validation-{at}" for at in range(4)]
    assert len(names["test"]) == 10
    # a row that is like a test row is dropped for that
    assert summary.dropped == {"contaminated_exact": 1, "group_in_test": 5, "group_in_validation": 7}


def test_own_validation_group_goes_into_a_test_held_out_of_train(split_rows: Callable[..., Any], own: Data) -> None:
    groups = [f"g{at}" for at in range(40)]
    train = [row | {"group": name} for name in groups for row in texts(5, seed=int(name[1:]))]
    train += texts(60, seed=99)
    validation = [row | {"group": name} for name, row in zip(groups, texts(40, seed=100), strict=True)]
    _, names = split_rows(own, train=train, validation=validation)
    at = {name: [int(row_id.split("-")[1]) for row_id in names[name]] for name in ("train", "validation", "test")}
    tested = {groups[row // 5] for row in at["test"] if row < 200}
    assert 0 < len(tested) < 40
    assert {groups[row] for row in at["validation"]} == set(groups) - tested
    assert min(at["train"]) >= 200


def test_own_validation_rows_are_no_part_of_the_cap_on_train(split_rows: Callable[..., Any], own: Data) -> None:
    capped = own.model_copy(update={"max_train_rows": 50})
    summary, _ = split_rows(capped, train=texts(90), test=texts(9, seed=1), validation=texts(20, seed=2))
    assert (summary.train, summary.validation, summary.dropped) == (50, 20, {"over_max_train_rows": 40})


@pytest.mark.pitfall("bad row")
def test_own_validation_row_without_label_or_with_an_unknown_one_is_dropped(
    split_rows: Callable[..., Any], own: Data
) -> None:
    bad = [{"text": "no label here"}, {"text": "a wrong one", "label": "c"}]
    sources = {"train": texts(30), "test": texts(9, seed=1), "skill": Classification(labels=("a", "b"))}
    _, names = split_rows(own, validation=[*bad, *texts(5, seed=2)], **sources)
    assert names["validation"] == [f"validation-{at}" for at in range(2, 7)]
    with pytest.raises(DataError, match=r"data\.validation keeps none of its 2 rows") as refusal:
        split_rows(own, validation=bad, **sources)
    assert "unknown_label: 1" in str(refusal.value)
    assert "data.validation.columns.label" in str(refusal.value)


def test_own_validation_row_without_reference_is_dropped(tmp_path: Path, read_rows: Any, own: Data) -> None:
    rows = [{"text": f"what is number {at}?", "label": f"it is {at}" if at else None} for at in range(4)]
    folders = {role: read_rows(rows, role) for role in ("train", "test", "validation")}
    summary = validate(folders, own, Qa(kind="qa"), tmp_path / "out")
    assert summary.kept["validation"] == 3
    assert summary.dropped["reference_missing"] == 2


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["a", "a"], r"one class only: data\.validation hold just 'a'"),
        (["x", "y"], r"No label of data\.validation is one of the other rows'"),
        (["A", "b"], r"in their form alone.*data\.validation: 1 rows"),
    ],
)
def test_own_validation_labels_that_fit_no_others_are_refused(
    split_rows: Callable[..., Any], own: Data, labels: list[str], said: str
) -> None:
    validation = [row | {"label": label} for row, label in zip(texts(2, seed=2), labels, strict=True)]
    with pytest.raises(DataError, match=said):
        split_rows(own, train=texts(30), test=texts(9, seed=1), validation=validation)


def test_own_validation_label_that_no_row_teaches_is_named(tmp_path: Path, read_rows: Any, own: Data) -> None:
    rare = [*texts(4, seed=2), {"text": "quite another thing", "label": "rare"}]
    sources = {"train": texts(30), "test": texts(9, seed=1), "validation": rare}
    folders = {role: read_rows(rows, role) for role, rows in sources.items()}
    summary = validate(folders, own, Classification(), tmp_path / "out")
    assert summary.one_sided == {"validation": ("rare",)}
    assert "rare" in summary.labels
