import random
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from stillhouse.data.split import split
from stillhouse.errors import DataError
from stillhouse.recipe.data import Data
from stillhouse.recipe.load import load_recipe

SPLITS = ("train", "validation", "test", "examples")


def texts(count: int, seed: int = 0) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    words = [f"word{number}" for number in range(2000)]
    return [{"text": " ".join(rng.sample(words, 10)), "label": rng.choice("ab")} for _ in range(count)]


def test_split_without_test_source_holds_shares_out_of_train(split_rows: Callable[..., Any]) -> None:
    summary, names = split_rows(train=texts(2000), examples=texts(10, seed=1))
    assert summary.test == pytest.approx(400, abs=70)
    assert summary.validation == pytest.approx(160, abs=45)
    assert names["examples"] == [f"examples-{at}" for at in range(10)]
    everything = [name for split_name in (*SPLITS, "dropped") for name in names[split_name]]
    assert len(everything) == len(set(everything)) == 2010
    assert summary.near_test == 0


@pytest.mark.pitfall("held out")
def test_split_grown_data_keeps_every_old_row_in_its_split(split_rows: Callable[..., Any]) -> None:
    old = texts(300)
    _, before = split_rows(train=[{**row, "id": f"old-{at}"} for at, row in enumerate(old)])
    grown = [*texts(50, seed=2), *({**row, "id": f"old-{at}"} for at, row in enumerate(old)), *texts(250, seed=3)]
    random.Random(4).shuffle(grown)
    _, after = split_rows(train=grown)
    for split_name in ("train", "validation", "test"):
        assert set(before[split_name]) <= set(after[split_name])


def test_split_with_test_source_takes_all_of_it(split_rows: Callable[..., Any]) -> None:
    summary, names = split_rows(train=texts(200), test=texts(50, seed=1))
    assert names["test"] == [f"test-{at}" for at in range(50)]
    assert summary.train + summary.validation == 200


@pytest.mark.pitfall("held out")
def test_split_contaminated_rows_leave_every_split_but_test(split_rows: Callable[..., Any]) -> None:
    test = [
        {"text": "alpha beta gamma delta epsilon zeta eta theta", "label": "a"},
        {"text": "one two three four five six seven eight nine ten", "label": "b"},
        *texts(20, seed=1),
    ]
    train = [
        {"text": "Alpha, beta, gamma, delta, epsilon, zeta, eta, theta!", "label": "a"},
        {"text": "ten nine eight seven six five four three two one more", "label": "b"},
        {"text": "so here is one two three four five six seven eight among many other words of mine", "label": "b"},
        {"text": "so there were one two three four five six seven and then quite other words of mine", "label": "b"},
        *texts(30, seed=2),
    ]
    summary, names = split_rows(train=train, test=test)
    assert names["dropped"] == ["train-0", "train-1", "train-2"]
    assert summary.dropped == {"contaminated_near": 2, "contaminated_run": 1}
    assert len(names["test"]) == 22


@pytest.mark.pitfall("held out")
def test_split_by_the_nli_recipes_rules_drops_test_pairs_with_sides_exchanged(split_rows: Callable[..., Any]) -> None:
    sides = "A man plays the guitar", "Nobody is playing music"
    forth, back = (f"Premise: {one}\nHypothesis: {other}" for one, other in (sides, sides[::-1]))
    train = [
        {"text": back},
        {"text": back, "label": "a"},
        {"text": back.replace("man", "tall man"), "label": "a"},  # a word more makes another pair
        *texts(30, seed=2),
    ]
    _, names = split_rows(load_recipe("nli").data, train=train, test=[{"text": forth, "label": "a"}, *texts(20)])
    assert names["dropped"] == ["train-1"]  # train-0 says no more than train-1: validate drops it
    # what follows from what is another question with another answer
    _, names = split_rows(load_recipe("nli").data, train=train[1:], test=[{"text": forth, "label": "b"}, *texts(20)])
    assert names["dropped"] == []


def test_split_examples_near_test_are_dropped_and_the_rest_kept(split_rows: Callable[..., Any]) -> None:
    test = texts(20, seed=1)
    near = {**test[0], "text": test[0]["text"] + " extra"}
    examples = [near, {"text": test[1]["text"], "label": "b"}, *texts(4)]
    summary, names = split_rows(train=texts(40, seed=2), examples=examples, test=test)
    assert summary.dropped == {"contaminated_exact": 1, "contaminated_near": 1}
    assert names["examples"] == [f"examples-{at}" for at in range(2, 6)]


def test_split_near_duplicates_join_the_split_of_the_earliest(split_rows: Callable[..., Any]) -> None:
    base = texts(200)
    near = [{**row, "text": row["text"] + " extra"} for row in base]
    summary, names = split_rows(train=[*base, *near], skip_validate=True)
    split_of = {row_id: split_name for split_name in SPLITS for row_id in names[split_name]}
    assert all(split_of[f"train-{at}"] == split_of[f"train-{at + 200}"] for at in range(200))
    assert summary.dropped == {}


def test_split_unlabelled_rows_are_never_held_out(split_rows: Callable[..., Any]) -> None:
    rows = texts(400)
    bare = [{"text": row["text"] + " extra"} for row in rows[:200]]
    _, names = split_rows(
        train=[*rows, *bare, *({"text": row["text"]} for row in texts(200, seed=9))], skip_validate=True
    )
    assert all(int(name.split("-")[1]) < 400 for name in names["test"])
    assert set(names["dropped"]) == {f"train-{400 + at}" for at in range(200) if f"train-{at}" in names["test"]}


@pytest.mark.pitfall("held out")
def test_split_test_equal_to_train_is_refused(split_rows: Callable[..., Any]) -> None:
    rows = texts(30)
    with pytest.raises(DataError, match=r"data\.test equals data\.train: the same 30 rows"):
        split_rows(train=rows, test=rows[::-1])


def test_split_test_mostly_in_train_is_refused_with_counts(split_rows: Callable[..., Any]) -> None:
    rows = texts(40)
    with pytest.raises(DataError, match=r"overlaps the training data: 16 of its 30 rows"):
        split_rows(train=rows, test=[*rows[:16], *texts(14, seed=1)])
    summary, _ = split_rows(train=rows, test=[*rows[:15], *texts(15, seed=1)])
    assert summary.dropped == {"contaminated_exact": 15}


def test_split_without_references_names_what_is_missing(split_rows: Callable[..., Any]) -> None:
    bare = [{"text": row["text"]} for row in texts(20)]
    with pytest.raises(DataError, match="none can be held out as test"):
        split_rows(train=bare, examples=texts(5, seed=1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"test_fraction": 1e-9}, "no test row.*test_fraction"),
        ({"test_fraction": 0.89}, "no (training|validation) row"),
        ({"validation_fraction": 1e-9}, "no validation row.*set it to 0"),
    ],
)
def test_split_empty_split_names_what_to_change(
    split_rows: Callable[..., Any], data: Data, change: dict[str, float], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        split_rows(data.model_copy(update=change), train=texts(3 if "test_fraction" in change else 60))


def test_split_held_out_test_of_one_class_is_refused(split_rows: Callable[..., Any]) -> None:
    rows = [{**row, "label": "a"} for row in texts(60)]
    with pytest.raises(DataError, match="one class only: the held-out test rows have just 'a'"):
        split_rows(train=rows, examples=[{**row, "label": "b"} for row in texts(2, seed=1)])


def test_split_templated_rows_end_without_near_test_rows(split_rows: Callable[..., Any]) -> None:
    colours, things, places = (
        ["red", "blue", "green", "black"],
        ["car", "bus", "van", "bike"],
        ["town", "home", "work"],
    )
    rows = [
        {"text": f"please tell me where the {c} {t} near {p} is parked number {n}", "label": "ab"[n % 2]}
        for c, t, p, n in product(colours, things, places, range(20))
    ]
    summary, _ = split_rows(train=[*rows, *texts(300)], skip_validate=True)
    assert summary.near_test == 0
    assert summary.num_in == sum(getattr(summary, name) for name in SPLITS) + sum(summary.dropped.values())


def test_split_twice_gives_the_same_bytes(split_rows: Callable[..., Any], tmp_path: Path) -> None:
    def run() -> list[bytes]:
        split_rows(train=texts(300), test=texts(40, seed=1))
        return [path.read_bytes() for path in sorted((tmp_path / "split").iterdir())]

    assert run() == run()


def test_split_capped_rows_are_the_same_ones_under_a_raised_cap(split_rows: Callable[..., Any], data: Data) -> None:
    train, test = texts(400), texts(100, seed=1)

    def kept(train_rows: int, test_rows: int) -> tuple[Any, set[str], set[str]]:
        capped = data.model_copy(update={"max_train_rows": train_rows, "max_test_rows": test_rows})
        summary, names = split_rows(capped, train=train, test=test, examples=texts(10, seed=2))
        return summary, set(names["train"] + names["validation"]), set(names["test"])

    summary, few, few_test = kept(100, 30)
    assert (len(few), len(few_test), summary.examples) == (100, 30, 10)
    assert summary.dropped == {"over_max_test_rows": 70, "over_max_train_rows": 300}
    assert summary.validation > 0
    _, more, more_test = kept(200, 60)
    assert few < more
    assert few_test < more_test


def test_split_rows_near_a_test_row_beyond_the_cap_are_dropped_too(split_rows: Callable[..., Any], data: Data) -> None:
    test = texts(20, seed=1)
    near = [{**row, "text": row["text"] + " extra"} for row in test]
    capped = data.model_copy(update={"max_test_rows": 5})
    summary, _ = split_rows(capped, train=[*near, *texts(30, seed=2)], test=test)
    assert summary.dropped == {"contaminated_near": 20, "over_max_test_rows": 15}


def test_split_labels_with_few_test_rows_are_named(tmp_path: Path, read_rows: Any, data: Data) -> None:
    records = [{"text": f"message of some kind number {n * 7919}", "label": "ab"[n % 2]} for n in range(200)]
    rows = read_rows([*records, {"text": "quite another thing", "label": "rare"}])
    summary = split(
        rows,
        data.model_copy(update={"test_similarity": 1.0, "near_duplicate_similarity": 1.0}),
        False,
        tmp_path / "out",
    )
    assert set(summary.rare_in_test) == {"rare"}
    assert summary.rare_in_test["rare"] in (0, 1)
