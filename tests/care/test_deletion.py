"""A clean-up beside runs, beside another, and interrupted anywhere: what is left names nothing that is gone."""

import json
import re
import shutil
import threading
import time
from pathlib import Path

import pytest

from stillhouse.artifacts.files import FileStore
from stillhouse.artifacts.lease import FOLDER, Lease, cleaning
from stillhouse.artifacts.store import Store
from stillhouse.care.deletion import clean, survey
from stillhouse.care.needs import Rules
from stillhouse.errors import StoreError
from stillhouse.reports.history import keep_run
from tests.support.aged_store import (
    add_artifact,
    add_completions,
    add_run,
    fingerprint_named,
    grow_older,
    names_in,
    ref_named,
)

ALL = Rules(older_than_s=0, keep_runs=1)
OLD, NEW = "support-20250603-091422-0a1b2c3d", "support-20261128-101500-3f2a9c10"
SIBLING = f"{OLD}0"  # an S3 prefix of the one is a prefix of the other
NAMES = ("read-1", "split-1", "train-1", "train-2", "train-3")
STAYS = ("read-1", "split-1", "train-2")
TEACHER = fingerprint_named("teacher")


def fill(store: Store) -> None:
    """Add an old run, a new one that shares its rows, and a student that no run finished with."""
    add_artifact(store, "read-1")
    add_artifact(store, "split-1", "read-1")
    for name in NAMES[2:]:
        add_artifact(store, name, "split-1")
    add_run(store, OLD, "train-1", "split-1")
    add_run(store, NEW, "train-2", "split-1")
    add_completions(store, TEACHER)
    add_run(store, SIBLING)
    keep_run(store, SIBLING)


def everything(store: Store) -> list[str]:
    return [key for top in ("artifacts", "completions", "results", "runs", "work") for key in store.list(top)]


def check_nothing_names_what_is_gone(store: Store) -> None:
    """Every artifact that a run, a record or a Prefect result names is there whole."""
    named = set()
    for key in everything(store):
        if key.endswith(("artifacts.json", "record.json")):
            named |= (
                set(re.findall(r"[0-9a-f]{64}", store.read_text(key)))
                if key.startswith("runs")
                else {name.split("/")[1] for name in json.loads(store.read_text(key))["inputs"].values()}
            )
        elif key.startswith("results/"):
            named.add(key.rpartition("-")[2])
    known = {ref_named(name).fingerprint: name for name in NAMES}
    fresh = Store(store.config)
    assert names_in(fresh, *(known[one] for one in named)) == {known[one] for one in named}


def test_survey_deletes_and_writes_nothing(any_store: Store) -> None:
    fill(any_store)
    before = any_store.stamps("artifacts") | any_store.stamps("runs") | any_store.stamps("results")
    assert [one.kind for one in survey(any_store, ALL).going] == ["runs", "train", "train"]
    assert any_store.stamps("artifacts") | any_store.stamps("runs") | any_store.stamps("results") == before
    assert any_store.list("work") == []


def test_clean_takes_what_was_shown_and_leaves_the_rest_whole(any_store: Store) -> None:
    fill(any_store)
    shown = survey(any_store, ALL).going
    told = []
    assert clean(any_store, ALL, told.append).going == told == shown
    fresh = Store(any_store.config)
    assert names_in(fresh, *NAMES) == set(STAYS)
    assert all((fresh.fetch(ref_named(name)) / "deep" / "rows.jsonl").read_text() == name for name in STAYS)
    left = everything(fresh)
    assert not [key for key in left if f"{OLD}/" in key or ref_named("train-1").fingerprint in key]
    assert [len([key for key in left if run_id in key]) for run_id in (NEW, SIBLING)] == [4, 5]
    assert len([key for key in left if key.startswith("completions/")]) == 1
    assert fresh.list("work") == []
    assert clean(any_store, ALL).going == []
    check_nothing_names_what_is_gone(fresh)


def test_clean_of_a_folder_leaves_no_empty_folders_of_artifacts(store: Store) -> None:
    fill(store)
    clean(store, ALL)
    home = Path(store.config.url) / "artifacts" / "train"
    assert [path.name for path in home.iterdir()] == [ref_named("train-2").fingerprint]


class Interrupted(KeyboardInterrupt):
    """A Ctrl-C at a moment that the test chooses."""


@pytest.mark.parametrize("before", [True, False])
def test_clean_interrupted_at_any_deletion_leaves_nothing_dangling(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    fill(store)
    delete, calls = FileStore.delete, 0

    def interrupting(self: FileStore, key: str) -> None:
        nonlocal calls
        calls -= not key.startswith(FOLDER)
        is_last = calls == 0 and not key.startswith(FOLDER)
        if is_last and before:
            raise Interrupted
        delete(self, key)
        if is_last:
            raise Interrupted

    monkeypatch.setattr(FileStore, "delete", interrupting)
    for at in range(1, 100):
        shutil.copytree(store.config.url, tmp_path / str(at))
        copy = Store(store.config.model_copy(update={"url": str(tmp_path / str(at))}))
        calls = at
        try:
            clean(copy, ALL)
            break
        except Interrupted:
            check_nothing_names_what_is_gone(copy)
            assert names_in(copy, *STAYS) == set(STAYS)
            assert copy.list(FOLDER) == []
        clean(copy, ALL)
        assert names_in(copy, *NAMES) == set(STAYS)
        assert not [key for key in everything(copy) if f"{OLD}/" in key]
    assert 10 < at < 99


def test_clean_leaves_what_a_run_began_to_use_before(any_store: Store) -> None:
    fill(any_store)
    lease = Lease(any_store, "later")
    lease.hold([f"train/{ref_named('train-3').fingerprint}"])
    clean(any_store, ALL)
    assert names_in(Store(any_store.config), "train-1", "train-3") == {"train-3"}
    lease.release()
    clean(any_store, ALL)
    assert names_in(Store(any_store.config), "train-1", "train-3") == set()


def test_hold_during_a_clean_up_waits_for_its_end(any_store: Store) -> None:
    fill(any_store)
    waits, goes_on = threading.Event(), threading.Event()
    lease = Lease(any_store, "later")

    def use() -> None:
        lease.hold([f"train/{ref_named('train-3').fingerprint}"], waits.set)
        goes_on.set()

    user = threading.Thread(target=use)

    def first_deleted(item: object) -> None:
        if not user.is_alive() and not goes_on.is_set():
            user.start()
            assert waits.wait(20)
        assert not goes_on.is_set()

    clean(any_store, ALL, first_deleted)
    assert goes_on.wait(20)
    assert names_in(Store(any_store.config), "train-3") == set()  # the run builds it again
    lease.release()


def test_clean_beside_another_is_refused_and_deletes_nothing(any_store: Store) -> None:
    fill(any_store)
    with cleaning(any_store):
        before = everything(any_store)
        with pytest.raises(StoreError, match=r"another clean-up .* is under way"):
            clean(any_store, ALL)
        assert everything(any_store) == before
    assert clean(any_store, ALL).going


def test_clean_that_stood_still_stops(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store)
    real, asleep_s = time.monotonic, 0.0
    monkeypatch.setattr(time, "monotonic", lambda: real() + asleep_s)

    def suspended(item: object) -> None:
        nonlocal asleep_s
        asleep_s = 400.0

    with pytest.raises(StoreError, match="stood still"):
        clean(store, ALL, suspended)
    assert names_in(store, "train-1", "train-3") == {"train-1", "train-3"}
    check_nothing_names_what_is_gone(store)
    assert store.list(FOLDER) == []


@pytest.mark.parametrize("days", [0.001, 1])
def test_hold_waits_for_no_clean_up_that_was_killed_long_ago(store: Store, days: float) -> None:
    store.put_text(f"{FOLDER}/cleaning-{'0' * 32}.json", "{}")
    grow_older(store, FOLDER, days)
    lease, waits, goes_on = Lease(store, "later"), threading.Event(), threading.Event()

    def use() -> None:
        lease.hold(["read/x"], waits.set)
        goes_on.set()

    threading.Thread(target=use).start()
    assert goes_on.wait(2) == (days == 1)
    assert waits.is_set() == (days != 1)
    store.delete(f"{FOLDER}/cleaning-{'0' * 32}.json")
    assert goes_on.wait(20)
    lease.release()
