"""A sweep's rules with trials that cost nothing: going on after kills, budgets, and trials that fail."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.store import Store
from stillhouse.errors import ModelError, StoreError
from stillhouse.recipe.load import load_recipe
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.sweep import Sweep
from stillhouse.sweep.choice import winner_of
from stillhouse.sweep.halving import goes_on, shares_of
from stillhouse.sweep.study import Study
from stillhouse.sweep.trial import Fields, Measures, Rung, Trial
from tasks.sweeping.control import fail, next_values, spent, why_ended

KEY = "b" * 64
SWEEP: dict[str, Any] = {
    "trials": 12,
    "space": {
        "training.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
        "training.batch_size": [4, 8, 16],
    },
    "pruning": {"first_share": 0.25, "factor": 2},
}


class Killed(BaseException):
    """What a kill leaves: nothing after it runs."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(StoreConfig(url=str(tmp_path / "store"), cache_dir=tmp_path / "cache"))


def recipe_of(**sweep: Any) -> Recipe:
    return load_recipe("demo", {"sweep": SWEEP | sweep})


def score_of(fields: Fields, share: float) -> float:
    return round(0.9 - abs(fields["training.learning_rate"] - 3e-4) * 300 - 0.1 * (1 - share), 6)


def rung(fields: Fields, share: float) -> Rung:
    return Rung(
        share=share,
        rows=int(400 * share),
        score=score_of(fields, share),
        validation_rows=50,
        seconds=3600.0 * share,
        cost_usd=share,
        student="s",
        answers="a",
    )


def run_fake(
    store: Store, recipe: Recipe, measured: list[tuple[int, float]], *, before: Callable[[], None] = lambda: None
) -> list[Trial]:
    """Do what the flow does, with a rung that only notes that it was measured."""
    sweep = recipe.sweep
    assert sweep is not None
    study = Study(store, KEY)
    study.__enter__()  # a kill calls no __exit__
    while trial := study.next_trial(sweep.most_trials, lambda trials: next_values(sweep, trials, recipe)):
        for share in shares_of(sweep.pruning, 400)[len(trial.rungs) :]:
            before()
            measured.append((trial.number, share))
            trial = trial.with_rung(rung(trial.fields, share)).model_copy(update={"measures": Measures(latency_s=0.1)})
            if share < 1.0 and sweep.pruning and not goes_on(trial, study.trials(), sweep.pruning):
                trial = trial.ended("pruned")
                break
            study.put(trial)
        else:
            trial = trial.ended("complete")
        study.put(trial)
    study.__exit__(None, None, None)
    return study.trials()


def test_sweep_killed_twice_ends_as_one_that_was_not_and_measures_nothing_twice(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole: list[tuple[int, float]] = []
    other = Store(StoreConfig(url=str(tmp_path / "other"), cache_dir=tmp_path / "cache2"))
    expected = run_fake(other, recipe_of(), whole)
    measured: list[tuple[int, float]] = []

    def kill_at(number: int) -> Callable[[], None]:
        def before() -> None:
            if len(measured) == number:
                raise Killed

        return before

    # its process is gone, as after a kill; a test can't end its own
    monkeypatch.setattr("stillhouse.sweep.study._is_running", lambda process, started: False)
    for number in (4, 9):
        with pytest.raises(Killed):
            run_fake(store, recipe_of(), measured, before=kill_at(number))
    trials = run_fake(store, recipe_of(), measured)
    assert measured == whole
    assert [(one.fields, one.state, one.rungs) for one in trials] == [
        (one.fields, one.state, one.rungs) for one in expected
    ]
    assert len(trials) == 12
    assert {"complete", "pruned"} == {one.state for one in trials}
    best = winner_of(trials, {})
    assert best is not None
    assert best.score == max(one.score or 0.0 for one in trials)


def test_sweep_with_more_trials_goes_on_from_those_there_are(store: Store):
    measured: list[tuple[int, float]] = []
    run_fake(store, recipe_of(trials=4), measured)
    before = len(measured)
    assert len(run_fake(store, recipe_of(trials=6), measured)) == 6
    assert {number for number, _ in measured[before:]} == {4, 5}


@pytest.mark.parametrize(("limit", "number"), [("hours", 3), ("usd", 3)])
def test_sweep_begins_no_trial_that_could_exceed_its_budget(limit: str, number: int, store: Store):
    # without pruning a trial takes 1 hour and 1 dollar, and a fourth could make it 4
    recipe = load_recipe(
        "demo",
        {
            "sweep": SWEEP | {"pruning": None, "budget": {limit: 3.5}},
            "costs.training_usd_per_hour": 1.0,
            "costs.evaluation_usd_per_hour": 1.0,
        },
    )
    trials = run_fake(store, recipe, [])
    assert len(trials) == number
    assert recipe.sweep is not None
    assert f"sweep.budget.{limit}: 3.5 allows no further trial: 3 took 3" in why_ended(recipe.sweep, trials)


def test_spent_nothing_yet_allows_the_first_trial():
    assert spent(Sweep(**(SWEEP | {"budget": {"hours": 0.001}})), []) == ""


def test_fail_of_a_trial_is_noted_and_the_sweep_goes_on(store: Store):
    with Study(store, KEY) as study:
        trial = study.next_trial(5, lambda trials: {"training.batch_size": 4})
        assert trial is not None
        fail(study, trial.number, ModelError("out of memory\nat step 3"))
        assert study.trials()[0].state == "failed"
        assert study.trials()[0].why == "out of memory at step 3"


def test_fail_of_the_store_ends_the_sweep_and_leaves_the_trial_to_be_taken_up(store: Store):
    with Study(store, KEY) as study:
        study.next_trial(5, lambda trials: {"training.batch_size": 4})
        with pytest.raises(StoreError):
            fail(study, 0, StoreError("disk full"))
        assert study.trials()[0].state == "running"


def test_fail_of_the_first_three_trials_ends_the_sweep(store: Store):
    with Study(store, KEY) as study:
        for number in range(3):
            study.next_trial(5, lambda trials: {"training.batch_size": len(trials)})
            if number < 2:
                fail(study, number, ModelError("no such model"))
        with pytest.raises(ModelError, match="no such model"):
            fail(study, 2, ModelError("no such model"))
