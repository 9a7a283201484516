from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillhouse.data.validate import validate
from stillhouse.errors import DataError
from stillhouse.recipe.data import Data
from stillhouse.skills.classification import Classification

ReadRows = Callable[..., Path]
ReadBack = Callable[[Path], list[dict[str, Any]]]

LABELLED = [{"text": "where is my parcel", "label": "a"}, {"text": "cancel the order please", "label": "b"}]
LONG = "the quick brown fox jumps over the lazy dog near a river"  # 11 distinct words: one more makes 11/12 > 0.8
SKILL = Classification()


def reasons(out: Path, read_back: ReadBack) -> dict[str, str]:
    return {row["id"]: row["reason"] for row in read_back(out / "dropped.parquet")}


def test_validate_row_checks_drop_with_their_reason(
    tmp_path: Path, read_rows: ReadRows, read_back: ReadBack, data: Data
) -> None:
    train = [
        *LABELLED,
        {"text": " \n"},
        {"text": "x" * 24},
        {"text": "fine", "label": "c"},
        {"text": "other", "id": "same"},
        {"text": "third", "id": "same"},
    ]
    folders = {"train": read_rows(train), "test": read_rows([*LABELLED, {"text": "no gold"}], "test")}
    short = data.model_copy(update={"max_prompt_chars": 23})
    summary = validate(folders, short, Classification(labels=("a", "b")), tmp_path / "out")
    assert reasons(tmp_path / "out", read_back) == {
        "train-2": "empty_prompt",
        "train-3": "prompt_too_long",
        "train-4": "unknown_label",
        "same": "duplicate_id",
        "test-2": "label_missing",
    }
    assert (summary.num_in, summary.kept) == (10, {"train": 3, "test": 2})
    assert sum(summary.dropped.values()) == 5


@pytest.mark.parametrize(
    ("roles", "ok"),
    [
        ("user", True),
        ("system user", True),
        ("system system user", True),
        ("user assistant user", True),
        ("user assistant tool assistant user", True),
        ("assistant user", False),
        ("user user", False),
        ("user assistant", False),
        ("user system user", False),
        ("system", False),
        ("user tool user", False),
    ],
)
def test_validate_turn_order_follows_the_rule(
    tmp_path: Path, read_rows: ReadRows, read_back: ReadBack, data: Data, roles: str, ok: bool
) -> None:
    def talk(roles: str, text: str) -> list[dict[str, str]]:
        return [{"role": role, "content": f"{text} {at}"} for at, role in enumerate(roles.split())]

    records = [
        {"messages": talk(roles, "first")},
        {"messages": talk("user", "alpha beta"), "label": "a"},
        {"messages": talk("user", "gamma"), "label": "b"},
    ]
    validate({"train": read_rows(records)}, data, SKILL, tmp_path / "out")
    assert reasons(tmp_path / "out", read_back) == ({} if ok else {"train-0": "wrong_roles"})


def test_validate_duplicates_keep_the_labelled_row_and_the_examples(
    tmp_path: Path, read_rows: ReadRows, read_back: ReadBack, data: Data
) -> None:
    train = [
        {"text": "Hello, World!"},
        {"text": "hello world", "label": "a"},
        {"text": LONG},
        {"text": LONG + " today"},
        {"text": "where is my PARCEL?", "label": "a"},
        {"text": "entirely different words here"},
        {"text": LONG.replace(" ", "\u00a0\n")},
    ]
    folders = {"train": read_rows(train), "examples": read_rows(LABELLED, "examples")}
    summary = validate(folders, data, SKILL, tmp_path / "out")
    dropped = {row["id"]: (row["reason"], row["detail"]) for row in read_back(tmp_path / "out" / "dropped.parquet")}
    assert dropped == {
        "train-0": ("near_duplicate", "like row 'train-1' \"hello world\""),
        "train-3": ("near_duplicate", f"like row 'train-2' \"{LONG}\""),
        "train-4": ("near_duplicate", "like row 'examples-0' \"where is my parcel\""),
        "train-6": ("exact_duplicate", f"like row 'train-2' \"{LONG}\""),
    }
    assert summary.kept == {"examples": 2, "train": 3}
    assert [row["id"] for row in read_back(tmp_path / "out" / "rows.parquet")] == [
        "examples-0",
        "examples-1",
        "train-1",
        "train-2",
        "train-5",
    ]


def test_validate_each_rule_for_repeats_can_be_switched_off(tmp_path: Path, read_rows: ReadRows, data: Data) -> None:
    folder = {"train": read_rows([*LABELLED, {"text": LONG}, {"text": LONG + " today"}, {"text": LONG}])}
    assert validate(folder, data, SKILL, tmp_path / "a").dropped == {"exact_duplicate": 1, "near_duplicate": 1}
    exact_only = data.model_copy(update={"near_duplicate_similarity": None})
    assert validate(folder, exact_only, SKILL, tmp_path / "b").dropped == {"exact_duplicate": 1}
    all_kept = exact_only.model_copy(update={"exact_duplicates": "keep"})
    assert validate(folder, all_kept, SKILL, tmp_path / "c").dropped == {}


def test_validate_near_duplicate_of_a_dropped_row_only_stays(
    tmp_path: Path, read_rows: ReadRows, read_back: ReadBack, data: Data
) -> None:
    words = LONG.replace("the lazy", "lazy").split()
    chain = [" ".join(words), " ".join([*words[1:], "one"]), " ".join([*words[2:], "one", "two"])]
    folder = read_rows([*LABELLED, *({"text": text} for text in chain)])
    loose = data.model_copy(update={"near_duplicate_similarity": 0.75})
    validate({"train": folder}, loose, SKILL, tmp_path / "out")
    assert reasons(tmp_path / "out", read_back) == {"train-3": "near_duplicate"}


@pytest.mark.parametrize(
    ("mode", "labels", "lost"),
    [("drop", "aab", {0, 1, 2}), ("majority", "aab", {2}), ("majority", "ab", {0, 1}), ("keep", "aab", set())],
)
def test_validate_conflicting_labels_follow_the_mode(
    tmp_path: Path,
    read_rows: ReadRows,
    read_back: ReadBack,
    data: Data,
    mode: str,
    labels: str,
    lost: set[int],
) -> None:
    folder = read_rows([*({"text": "same  text here", "label": label} for label in labels), *LABELLED])
    validate({"train": folder}, data.model_copy(update={"conflicting_labels": mode}), SKILL, tmp_path / "out")
    found = reasons(tmp_path / "out", read_back)
    assert {key for key, reason in found.items() if reason == "conflicting_labels"} == {f"train-{at}" for at in lost}


def test_validate_test_row_equal_to_a_training_row_is_left_for_the_split(
    tmp_path: Path, read_rows: ReadRows, data: Data
) -> None:
    folders = {"train": read_rows(LABELLED), "test": read_rows([*LABELLED, LABELLED[0]], "test")}
    summary = validate(folders, data, SKILL, tmp_path / "out")
    assert (summary.kept, summary.dropped) == ({"train": 2, "test": 3}, {})
    stricter = data.model_copy(update={"exact_duplicates": "drop_in_test_too"})
    summary = validate(folders, stricter, SKILL, tmp_path / "stricter")
    assert (summary.kept, summary.dropped) == ({"train": 2, "test": 2}, {"exact_duplicate": 1})


def test_validate_labels_come_from_the_recipe_or_the_rows(tmp_path: Path, read_rows: ReadRows, data: Data) -> None:
    folder = {"train": read_rows(LABELLED)}
    assert validate(folder, data, SKILL, tmp_path / "out").labels == ("a", "b")
    skill = Classification(labels=("b", "a", "c"))
    assert validate(folder, data, skill, tmp_path / "out").labels == ("b", "a", "c")


def test_validate_nothing_to_classify_is_refused(tmp_path: Path, read_rows: ReadRows, data: Data) -> None:
    with pytest.raises(DataError, match="No labels"):
        validate({"train": read_rows([{"text": "a"}])}, data, SKILL, tmp_path / "out")
    with pytest.raises(DataError, match=r"one class only: the labelled rows hold just 'a'"):
        validate({"train": read_rows(LABELLED[:1])}, data, SKILL, tmp_path / "out")
    with pytest.raises(DataError, match=r"data\.train keeps none of its 1 rows:\n  - empty_prompt: 1"):
        validate({"train": read_rows([{"text": " "}])}, data, SKILL, tmp_path / "out")


def test_validate_banking77_leaves_no_near_duplicates(
    tmp_path: Path, shared: Path, data: Data, read_back: ReadBack
) -> None:
    from stillhouse.data.read import read
    from stillhouse.data.sources import resolve

    source = data.train.model_copy(update={"path": str(shared / "intent_banking77" / "train.jsonl")})
    read(source, resolve(source), "train", tmp_path / "read")
    summary = validate({"train": tmp_path / "read"}, data, SKILL, tmp_path / "out")
    assert summary.num_in == 10_003
    assert summary.dropped["near_duplicate"] >= 30  # 31 rows that differ in case and punctuation from another
    assert summary.dropped.keys() == {"exact_duplicate", "near_duplicate"}
    assert len(summary.labels) == 77
    again = tmp_path / "again"
    again.mkdir()
    (tmp_path / "out" / "rows.parquet").rename(again / "rows.parquet")
    assert validate({"train": again}, data, SKILL, tmp_path / "out2").dropped == {}
