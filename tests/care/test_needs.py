"""What of a store can go: all is said by the files that runs and stages themselves leave."""

import random
import time

import pytest

from stillhouse.artifacts.lease import FOLDER, Lease
from stillhouse.artifacts.store import Store
from stillhouse.care.inventory import take_stock
from stillhouse.care.needs import Choice, Rules, choose
from stillhouse.registry.registry import ModelRegistry
from stillhouse.reports.history import keep_run
from tests.support.aged_store import (
    DAY_S,
    add_artifact,
    add_completions,
    add_run,
    fingerprint_named,
    grow_older,
    ref_named,
)
from tests.support.registry import content

WEEK = Rules(older_than_s=7 * DAY_S)
OLD, NEW = "support-20250603-091422-0a1b2c3d", "support-20261128-101500-3f2a9c10"
OTHER = "sums-20250101-000000-ffffffff"
TEACHER = fingerprint_named("teacher")


def chosen(store: Store, rules: Rules = WEEK) -> Choice:
    return choose(take_stock(store, time.time()), rules)


def going(store: Store, rules: Rules = WEEK) -> list[str]:
    """Return what goes: artifacts by the name they were given, other things by their own."""
    known = {fingerprint_named(name): name for name in NAMES}
    return [known.get(item.name.split("/")[-1], item.name) for item in chosen(store, rules).going]


NAMES = [
    f"{stage}-{n}" for stage in ("read", "split", "train", "generate", "answers", "evaluate_teacher") for n in "123"
]


def chain(store: Store, number: str, *more: str) -> None:
    """Add what a run makes one of the other: rows, split and student."""
    add_artifact(store, f"read-{number}")
    add_artifact(store, f"split-{number}", f"read-{number}")
    add_artifact(store, f"train-{number}", f"split-{number}", *more)


def test_choose_what_runs_need_stays_with_all_that_it_was_made_of(store: Store) -> None:
    chain(store, "1")
    chain(store, "2")
    add_run(store, OLD, "train-1")  # not its inputs: the records name these
    grow_older(store, "", 400)
    assert going(store) == ["train-2", "split-2", "read-2"]
    assert going(store, Rules(older_than_s=500 * DAY_S)) == []


def test_choose_young_artifact_keeps_the_old_ones_it_was_made_of(store: Store) -> None:
    chain(store, "1")
    add_artifact(store, "split-2", "read-1")
    grow_older(store, "artifacts/read", 30)
    grow_older(store, "artifacts/train", 30)
    grow_older(store, f"artifacts/split/{fingerprint_named('split-2')}", 30)
    assert sorted(going(store)) == ["split-2", "train-1"]


def test_choose_keep_runs_counts_for_each_recipe(store: Store) -> None:
    for number, run_id in zip("123", (OLD, NEW, OTHER), strict=True):
        chain(store, number)
        add_run(store, run_id, f"train-{number}", "read-1")
    grow_older(store, "", 30)
    assert going(store) == []
    assert going(store, Rules(7 * DAY_S, keep_runs=1)) == [OLD_HOME, "train-1", "split-1"]
    assert {f"runs/{OLD}", f"runs/{NEW}", f"runs/{OTHER}"} < set(going(store, Rules(7 * DAY_S, keep_runs=0)))
    assert going(store, Rules(90 * DAY_S, keep_runs=0)) == []


OLD_HOME = f"runs/{OLD}"


@pytest.mark.parametrize("named_by", ["recipe", "kept run", "mark"])
def test_choose_run_whose_student_is_in_use_stays(store: Store, named_by: str) -> None:
    chain(store, "1")
    add_run(store, OLD, "train-1")
    add_run(store, NEW, student=f"runs:/{OLD}" if named_by == "kept run" else "owner/name")
    grow_older(store, "", 30)
    rules = Rules(7 * DAY_S, keep_runs=1)
    assert going(store, rules) == ([] if named_by == "kept run" else [OLD_HOME, "train-1", "split-1", "read-1"])
    if named_by == "recipe":
        rules = Rules(7 * DAY_S, keep_runs=1, recipes=(f"teachers: [{{model: 'runs:/{OLD}'}}]",))
    if named_by == "mark":
        keep_run(store, OLD)
    assert going(store, rules) == []
    keep_run(store, OLD, is_kept=False)
    grow_older(store, "", 30)
    assert (going(store, rules) == []) == (named_by != "mark")


def test_choose_what_a_models_version_refers_to_stays_with_its_run(store: Store) -> None:
    chain(store, "1")
    add_artifact(store, "export-1", "train-1")
    add_artifact(store, "export-2", "train-1")
    add_run(store, OLD, "train-1", "answers-1")
    add_artifact(store, "answers-1")
    exported = content(run_id=OLD, student=ref_named("train-1"), exports={"onnx-int8": ref_named("export-1")})
    ModelRegistry(store).register(exported, who="x")
    grow_older(store, "", 400)
    rules = Rules(7 * DAY_S, keep_runs=0, with_completions=True)
    assert going(store, rules) == [f"artifacts/export/{fingerprint_named('export-2')}"]
    store.delete("models/demo/versions/1")
    assert {OLD_HOME, "train-1", "read-1"} < set(going(store, rules))


def test_choose_run_under_way_keeps_what_it_found_until_its_note_is_void(store: Store) -> None:
    chain(store, "1")
    grow_older(store, "", 30)
    lease = Lease(store, NEW)
    lease.hold([f"split/{ref_named('split-1').fingerprint}"])
    assert going(store) == ["train-1"]
    grow_older(store, FOLDER, 2)
    assert going(store) == ["train-1", "split-1", "read-1"]
    grow_older(store, FOLDER, 8)
    assert f"{FOLDER}/run-{NEW}.json" in going(store)
    lease.release()
    assert going(store) == ["train-1", "split-1", "read-1"]


def test_choose_completions_go_only_if_asked_for_and_needed_by_nothing(store: Store) -> None:
    unneeded, awaited = fingerprint_named("unneeded"), fingerprint_named("awaited")
    for teacher in (TEACHER, unneeded, awaited):
        add_completions(store, teacher)
    store.put_text(f"work/batches/{awaited}/one.json", "{}")
    add_artifact(store, "generate-1", teacher=TEACHER)
    add_run(store, OLD, "generate-1")
    grow_older(store, "", 400)
    assert going(store) == []
    assert [one.name for one in chosen(store).unneeded_completions] == [f"completions/{unneeded}"]
    asked = Rules(7 * DAY_S, keep_runs=1, with_completions=True)
    assert going(store, asked) == [f"completions/{unneeded}"]
    assert f"completions/{TEACHER}" in going(store, Rules(7 * DAY_S, keep_runs=0, with_completions=True))
    add_completions(store, unneeded)
    assert going(store, asked) == []  # a segment of today
    grow_older(store, "", 400)
    lease = Lease(store, NEW)
    lease.hold(["read/x"])
    assert going(store, asked) == []
    lease.release()
    assert going(store, asked) == [f"completions/{unneeded}"]


def test_choose_measured_answers_stay_as_long_as_their_model(store: Store) -> None:
    chain(store, "1")
    chain(store, "2")
    add_artifact(store, "answers-1", "train-1")
    add_artifact(store, "answers-2", "train-2")
    add_artifact(store, "answers-3")  # a local teacher's
    add_artifact(store, "evaluate_teacher-1", "split-2")
    add_run(store, OLD, "train-1")
    grow_older(store, "", 30)
    assert going(store) == ["answers-2", "train-2"]
    asked = going(store, Rules(7 * DAY_S, with_completions=True))
    assert set(asked) == {"answers-1", "answers-2", "answers-3", "evaluate_teacher-1", "train-2", "split-2", "read-2"}


def test_choose_files_that_no_record_names_go_once_they_are_old(store: Store) -> None:
    chain(store, "1")
    add_run(store, OLD, "train-1")
    home = f"artifacts/train/{ref_named('train-1').fingerprint}"
    store.put_text(f"{home}/{'0' * 32}/half", "x")
    store.put_text(f"artifacts/split/{'e' * 64}/{'1' * 32}/half", "x")  # of a commit that was killed, or goes on
    assert going(store) == []
    grow_older(store, "", 8)
    assert going(store) == [f"{home}/{'0' * 32}", f"artifacts/split/{'e' * 64}"]
    Lease(store, NEW).hold([f"train/{ref_named('train-1').fingerprint}", f"split/{'e' * 64}"])
    assert going(store) == []


def test_choose_results_and_remains_of_what_is_gone_go(store: Store) -> None:
    chain(store, "1")
    add_run(store, OLD, "train-1")
    store.put_text(f"results/train-{'d' * 64}", "{}")
    store.put_text("results/of-another-kind", "{}")
    store.put_text("runs/gone-20250101-000000-aaaaaaaa/report.html", "<p>")
    store.put_text("probe/1234", "stillhouse")
    store.put_text("models/own/file", "of the user's own")
    grow_older(store, "", 8)
    assert sorted(going(store)) == ["probe/1234", f"results/train-{'d' * 64}", "runs/gone-20250101-000000-aaaaaaaa"]


def test_choose_claims_of_nobody_go_and_those_of_a_run_that_beats_stay(store: Store) -> None:
    for teacher in ("1" * 64, "2" * 64):
        store.put_text(f"work/asking/{teacher}.json", "{}")
        store.put_text(f"work/asking/{teacher}/a.keys", "")
    grow_older(store, "work/asking", 8)
    store.put_text(f"work/asking/{'2' * 64}.json", "{}")  # its beat; the keys are as old as the run
    assert going(store) == [f"work/asking/{'1' * 64}.json", f"work/asking/{'1' * 64}/a.keys"]


@pytest.mark.parametrize("damage", ["", "{", '{"attempt": 1}'])
def test_choose_artifact_with_a_damaged_record_is_unneeded_or_left_whole(store: Store, damage: str) -> None:
    chain(store, "1")
    add_run(store, OLD, "train-1", "split-1", "read-1")
    store.put_text(f"artifacts/split/{ref_named('split-1').fingerprint}/record.json", damage)
    grow_older(store, "", 30)
    assert going(store) == []
    assert going(store, Rules(7 * DAY_S, keep_runs=0))[1:] in (
        ["train-1", "split-1", "read-1"],
        ["train-1", "read-1", "split-1"],
    )


@pytest.mark.parametrize("seed", range(6))
def test_choose_random_stores_keep_what_can_be_reached_and_nothing_else(store: Store, seed: int) -> None:
    dice = random.Random(seed)
    names = [f"read-{n}" for n in range(9)]
    inputs = {name: dice.sample(names[:at], min(at, dice.randrange(3))) for at, name in enumerate(names)}
    for name in names:
        add_artifact(store, name, *inputs[name])
    roots = dice.sample(names, 2)
    add_run(store, OLD, *roots)
    grow_older(store, "", 30)

    needed = set(roots)
    for _ in names:  # as often as a chain can be long
        needed |= {one for name in needed for one in inputs[name]}
    known = {fingerprint_named(name): name for name in names}
    gone = [known[item.name.split("/")[-1]] for item in chosen(store).going]
    assert sorted(gone) == sorted(set(names) - needed)
    for at, name in enumerate(gone):
        assert not set(inputs[name]) & set(gone[:at]), "what a record names goes after it"
