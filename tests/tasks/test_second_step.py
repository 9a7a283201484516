"""Which stages a recipe's second step of training, and its shares of reasoning, make again; no stage is built."""

from pathlib import Path
from typing import Any

from stillhouse.dataset.pair_files import PAIR_FILES
from stillhouse.recipe.load import parse_recipe
from tasks.train import PAIRS
from tests.support.dry_run import dry_distill

TEACHER = {"model": "owner/large", "sampling": {"n": 4, "temperature": 0.7}}


def fingerprints(folder: Path, preferences: dict[str, Any] | None, **training: Any) -> dict[str, str]:
    """The fingerprint of each stage of a small recipe, by its label."""
    data = {}
    for role in ("train", "examples", "test"):
        (folder / f"{role}.jsonl").write_text(f'{{"text": "{role}", "answer": "7"}}\n')
        columns = {"text": "text"} if role == "train" else {"text": "text", "reference": "answer"}
        data[role] = {"path": str(folder / f"{role}.jsonl"), "columns": columns}
    fields = {"learning_rate": 5e-4, "preferences": preferences, **training}
    recipe = {
        "name": "dry",
        "skill": {"kind": "math"},
        "data": data,
        "teachers": [TEACHER],
        "student": {"model": "owner/small"},
        "evaluation": {"encoder": None},
        "training": fields,
    }
    return {one.label: one.ref.fingerprint for one in dry_distill(parse_recipe(recipe)).built}


def changed(one: dict[str, str], other: dict[str, str]) -> set[str]:
    assert one.keys() == other.keys()
    return {label for label in one if one[label] != other[label]}


PAIRS_BY_MAJORITY = {"pairs": {"by": "majority"}, "learning_rate": 1e-5}


def test_another_beta_trains_again_and_makes_no_other_pairs(tmp_path: Path) -> None:
    first = fingerprints(tmp_path, PAIRS_BY_MAJORITY)
    assert changed(first, fingerprints(tmp_path, PAIRS_BY_MAJORITY | {"beta": 0.3})) == {"train", "evaluate"}


def test_other_pairs_are_other_rows_for_every_student(tmp_path: Path) -> None:
    first = fingerprints(tmp_path, PAIRS_BY_MAJORITY)
    other = fingerprints(tmp_path, PAIRS_BY_MAJORITY | {"pairs": {"by": "majority", "per_prompt": 2}})
    found = changed(first, other)
    assert {"filter", "train"} <= found
    assert "generate" not in found
    assert "initialise" not in found


def test_labelled_only_student_is_trained_as_without_a_second_step(tmp_path: Path) -> None:
    # with the same rows: what differs is how the student learns
    first = fingerprints(tmp_path, PAIRS_BY_MAJORITY)
    other = fingerprints(tmp_path, PAIRS_BY_MAJORITY | {"loss": "ipo", "epochs": 3.0})
    assert "train labelled-only" in first
    assert "train labelled-only" not in changed(first, other)


def test_shares_of_reasoning_in_text_leave_the_untrained_student_as_it_is(tmp_path: Path) -> None:
    plain = fingerprints(tmp_path, None)
    in_text = fingerprints(tmp_path, None, reasoning="mix", reasoning_mix={"place": "text"})
    in_blocks = fingerprints(tmp_path, None, reasoning="mix")
    assert "initialise" not in changed(plain, in_text)
    assert "initialise" in changed(plain, in_blocks)
    assert "filter" in changed(in_text, in_blocks)
    assert "generate" not in changed(plain, in_blocks)


def test_worker_is_named_the_files_of_both_splits() -> None:
    assert {PAIRS["pairs"], PAIRS["validation_pairs"]} == set(PAIR_FILES.values())
