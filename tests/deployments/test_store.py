"""`stillhouse store gc` in this process: what a user sees before and after."""

import json
import os
import re
from pathlib import Path

import pytest

from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.store import Store
from stillhouse.errors import RecipeError
from stillhouse.runtime.settings import load_settings
from tests.support.aged_store import add_artifact, add_completions, add_run, fingerprint_named, grow_older, names_in
from tests.support.command import shown

OLD, NEW = "support-20250603-091422-0a1b2c3d", "support-20261128-101500-3f2a9c10"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with two runs of 2025, and the rows of a third that never finished."""
    monkeypatch.setenv("STILLHOUSE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("COLUMNS", "200")
    found = Store(StoreConfig(url=str(tmp_path / "store")))
    for name, run_id in (("train-1", OLD), ("train-2", NEW)):
        add_artifact(found, name)
        add_run(found, run_id, name)
    add_artifact(found, "read-1")
    add_completions(found, fingerprint_named("teacher"))
    grow_older(found, "", 100)
    return found


def test_store_gc_shows_first_and_deletes_if_told_so(store: Store) -> None:
    text = shown("store", "gc", "--keep-runs", "1")
    assert re.search(r"runs: report, page, cards +1 +1\d\d bytes +20", text)
    assert re.search(r"artifacts of train +1 +", text)
    assert "Nothing was deleted: --delete does it." in text
    assert "teachers: 1. They stay" in text
    assert names_in(store, "train-1", "read-1") == {"train-1", "read-1"}
    deleted = shown("store", "gc", "--keep-runs", "1", "--delete")
    assert text.splitlines()[:-2] == deleted.splitlines()[:-2]
    assert "Deleted" in deleted
    assert names_in(store, "train-1", "train-2", "read-1") == {"train-2"}
    assert len(store.list("completions")) == 1
    assert shown("store", "gc", "--keep-runs", "1").startswith("Nothing of")


def test_store_gc_keeps_every_run_and_what_is_young_unless_told_otherwise(store: Store) -> None:
    found = json.loads(shown("store", "gc", "--json"))
    assert [line["kind"] for line in found["goes"]] == ["artifacts of read"]
    assert {line["kind"]: line["number"] for line in found["stays"]}["runs: report, page, cards"] == 2
    assert json.loads(shown("store", "gc", "--older-than", "15w", "--json"))["goes"] == []
    assert json.loads(shown("store", "gc", "--older-than", "2350h", "--json"))["goes"] == found["goes"]


def test_store_gc_leaves_kept_runs_and_those_of_recipes_in_use(store: Store, tmp_path: Path) -> None:
    (tmp_path / "recipes" / "team").mkdir(parents=True)
    (tmp_path / "recipes" / "team" / "own.yaml").write_text(f"student: {{model: 'runs:/{OLD}'}}")
    options = ("store", "gc", "--keep-runs", "0", "--older-than", "1d", "--json")
    assert {line["kind"]: line["number"] for line in json.loads(shown(*options))["goes"]}["artifacts of train"] == 2
    shown("runs", "keep", "support-20261128")
    grow_older(store, "runs", 100)
    found = json.loads(shown(*options, "--recipe", str(tmp_path / "recipes")))
    assert [line["kind"] for line in found["goes"]] == ["artifacts of read"]
    shown("runs", "keep", NEW, "--off")
    grow_older(store, "runs", 100)
    assert json.loads(shown(*options))["goes"][1]["number"] == 2


def test_store_gc_takes_what_is_old_on_this_machine_too(store: Store) -> None:
    (load_settings().work / "checkpoints" / "x").mkdir(parents=True)
    os.utime(load_settings().work / "checkpoints" / "x", (0, 0))
    kind = "on this machine: checkpoints of trainings that were killed"
    assert kind in shown("store", "gc")
    assert kind in shown("store", "gc", "--delete")
    assert kind not in shown("store", "gc")


def test_store_gc_completions_go_if_named(store: Store) -> None:
    assert "completions of teachers" in shown("store", "gc", "--completions", "--delete")
    assert store.list("completions") == []


@pytest.mark.parametrize("options", [("--older-than", "30"), ("--older-than", "-3d"), ("--recipe", "/nowhere/at/all")])
def test_store_gc_options_that_say_nothing_are_refused(store: Store, options: tuple[str, ...]) -> None:
    with pytest.raises(RecipeError, match=rf"{options[0]}.*{options[1]}"):
        shown("store", "gc", "--delete", *options)
    assert names_in(store, "read-1") == {"read-1"}
