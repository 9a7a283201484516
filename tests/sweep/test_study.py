"""Trials in the store: taken by one process each, and taken over from a process that has ended."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.store import Store
from stillhouse.errors import StoreError
from stillhouse.sweep import study as study_module
from stillhouse.sweep.study import Study
from stillhouse.sweep.trial import Fields, Rung, Trial

KEY = "a" * 64
RUNG = Rung(share=0.5, rows=10, score=0.4, validation_rows=5, seconds=1.0, cost_usd=None, student="s", answers="a")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(StoreConfig(url=str(tmp_path / "store"), cache_dir=tmp_path / "cache"))


def numbered(trials: Sequence[Trial]) -> Fields:
    return {"training.epochs": len(trials)}


def test_study_gives_numbered_trials_until_there_are_enough(store: Store):
    with Study(store, KEY) as study:
        for number in range(3):
            trial = study.next_trial(3, numbered)
            assert trial is not None
            assert (trial.number, trial.fields) == (number, {"training.epochs": number})
            study.put(trial.with_rung(RUNG).ended("complete"))
        assert study.next_trial(3, numbered) is None
        assert study.next_trial(4, numbered) is not None


def test_study_that_is_to_have_no_further_trial_ends(store: Store):
    with Study(store, KEY) as study:
        assert study.next_trial(3, lambda trials: None) is None
        assert study.trials() == []


def test_study_after_a_kill_takes_the_trial_up_with_its_values_and_rungs(store: Store):
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from stillhouse.artifacts.config import StoreConfig\n"
        "from stillhouse.artifacts.store import Store\n"
        "from stillhouse.sweep.study import Study\n"
        "from tests.sweep.test_study import KEY, RUNG\n"
        "store = Store(StoreConfig(url=sys.argv[1], cache_dir=Path(sys.argv[2])))\n"
        "study = Study(store, KEY).__enter__()\n"
        "trial = study.next_trial(3, lambda trials: {'training.epochs': 7})\n"
        "study.put(trial.with_rung(RUNG))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    places = [store.config.url, str(store.config.cache_dir)]
    assert subprocess.run([sys.executable, "-c", script, *places], check=False).returncode == -9
    with Study(store, KEY) as study:
        trial = study.next_trial(3, numbered)
    assert trial is not None
    assert (trial.number, trial.fields, trial.rungs) == (0, {"training.epochs": 7}, (RUNG,))
    assert trial.owner == study.owner


def test_study_two_processes_at_once_take_a_trial_each(store: Store):
    with Study(store, KEY) as one, Study(store, KEY) as other:
        mine, theirs = one.next_trial(4, numbered), other.next_trial(4, numbered)
        assert mine is not None
        assert theirs is not None
        assert (mine.number, theirs.number) == (0, 1)
        assert [trial.owner for trial in one.trials()] == [one.owner, other.owner]


def test_study_of_two_that_ask_at_once_the_slower_one_asks_again(store: Store):
    with Study(store, KEY) as one, Study(store, KEY) as other:
        asked: list[int] = []

        def ask(trials: Sequence[Trial]) -> Fields:
            asked.append(len(trials))
            if len(asked) == 1:
                other.next_trial(4, numbered)
            return numbered(trials)

        found = one.next_trial(4, ask)
    assert asked == [0, 1]
    assert found is not None
    assert found.number == 1


def test_study_waits_for_what_another_process_runs_and_takes_over_what_it_leaves(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(study_module, "_POLL_S", 0.0)
    with Study(store, KEY) as one:
        other = Study(store, KEY).__enter__()
        left = other.next_trial(1, numbered)
        found = one.next_trial(1, numbered, on_wait=lambda: other.__exit__(None, None, None))
    assert left is not None
    assert found is not None
    assert (found.number, found.fields) == (0, left.fields)


def test_study_record_of_something_else_is_named(store: Store):
    store.put_text(f"sweeps/{KEY}/trials/0000.json", '{"number": 0}')
    with Study(store, KEY) as study, pytest.raises(StoreError, match="is no trial of this version"):
        study.next_trial(1, numbered)


def test_study_with_a_deleted_trial_goes_on_after_the_last(store: Store):
    with Study(store, KEY) as study:
        for number in range(3):
            trial = study.next_trial(4, numbered)
            assert trial is not None
            study.put(trial.ended("complete"))
            assert study.trial(number).state == "complete"
        store.delete(f"sweeps/{KEY}/trials/0001.json")
        trial = study.next_trial(4, numbered)
        assert trial is not None
        assert trial.number == 3


def test_study_notes_are_kept(store: Store):
    with Study(store, KEY) as study:
        assert study.noted("winner") is None
        study.note("winner", {"number": 3})
        assert study.noted("winner") == {"number": 3}
