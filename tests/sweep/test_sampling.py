from typing import Any

import pytest

from stillhouse.recipe.sweep import Sweep
from stillhouse.sweep.sampling import suggest
from stillhouse.sweep.trial import Measures, Rung, Trial

SPACE: dict[str, Any] = {
    "training.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True},
    "training.lora.r": {"low": 4, "high": 64},
    "student": [{"model": "a", "layers": 6}, {"model": "b"}],
}


def rung(score: float, share: float = 1.0, rows: int = 100) -> Rung:
    return Rung(
        share=share, rows=rows, score=score, validation_rows=50, seconds=2.0, cost_usd=None, student="s", answers="a"
    )


def complete(number: int, fields: dict[str, Any], score: float, **measures: Any) -> Trial:
    return Trial(number=number, fields=fields, state="complete", rungs=(rung(score),), measures=Measures(**measures))


def run_all(sweep: Sweep, number: int, score: Any) -> list[Trial]:
    trials: list[Trial] = []
    for at in range(number):
        fields = suggest(sweep, trials, {})
        trials.append(complete(at, fields, score(fields)))
    return trials


def test_suggest_values_are_of_the_space_and_sections_come_back_whole():
    sweep = Sweep(space=SPACE)
    for trial in run_all(sweep, 12, lambda fields: 0.5):
        assert 1e-5 <= trial.fields["training.learning_rate"] <= 1e-3
        assert isinstance(trial.fields["training.lora.r"], int)
        assert trial.fields["student"] in SPACE["student"]


def test_suggest_first_trial_is_the_recipe_as_it_is_if_it_lies_in_the_space():
    sweep = Sweep(space={"training.epochs": {"low": 1.0, "high": 3.0}, "training.kind": ["sft", "logits"]})
    own = {"training.epochs": 1.5, "training.kind": "sft"}
    assert suggest(sweep, [], own) == own
    assert suggest(sweep, [], {**own, "training.epochs": None}) != own
    assert suggest(sweep, [], {**own, "training.epochs": 9.0}) != own


def test_suggest_after_a_kill_gives_what_it_would_have_given():
    sweep, score = Sweep(space=SPACE), lambda fields: -abs(fields["training.lora.r"] - 40)
    whole = run_all(sweep, 9, score)
    # nothing but the trials is left of the process that was killed
    assert [suggest(sweep, whole[:at], {}) for at in range(9)] == [trial.fields for trial in whole]


def test_suggest_tpe_comes_nearer_to_the_best_than_random_draws():
    space = {"training.learning_rate": SPACE["training.learning_rate"]}

    def best(sampler: str, seed: int) -> float:
        sweep = Sweep(space=space, sampler=sampler, seed=seed, trials=15)
        trials = run_all(sweep, 15, lambda fields: -abs(fields["training.learning_rate"] - 1e-4))
        return max(trial.rungs[-1].score for trial in trials)

    assert sum(best("tpe", seed) for seed in range(4)) > sum(best("random", seed) for seed in range(4))


def test_suggest_keeps_to_limits_once_it_knows_them():
    sweep = Sweep(space={"training.epochs": {"low": 1.0, "high": 30.0}}, constraints={"weight_bytes": 10}, trials=30)
    trials: list[Trial] = []
    for at in range(30):
        fields = suggest(sweep, trials, {})
        epochs = fields["training.epochs"]
        trials.append(complete(at, fields, epochs / 30, weight_bytes=int(epochs)))
    late = [trial.fields["training.epochs"] for trial in trials[15:]]
    # by chance it would be a third
    assert sum(epochs < 11 for epochs in late) > len(late) / 2


def test_suggest_grid_tries_every_combination_once():
    sweep = Sweep(space={"training.epochs": [1, 2], "training.batch_size": [4, 8, 16]}, sampler="grid")
    trials = run_all(sweep, sweep.most_trials, lambda fields: 0.5)
    assert len({str(trial.fields) for trial in trials}) == sweep.most_trials == 6


def test_suggest_repeats_no_combination_while_there_are_others():
    sweep = Sweep(space={"training.epochs": [1, 2, 3], "training.batch_size": [4, 8]})
    trials = run_all(sweep, 6, lambda fields: fields["training.epochs"])
    assert len({str(trial.fields) for trial in trials}) == 6


def test_suggest_failed_trials_and_values_of_another_space_are_passed_over():
    sweep = Sweep(space={"training.epochs": [1, 2, 3]})
    failed = Trial(number=0, fields={"training.epochs": 1}, state="failed")
    other = complete(1, {"training.epochs": 7}, 0.9)
    assert suggest(sweep, [failed, other], {})["training.epochs"] in (2, 3)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"low": 2, "high": 1}, "must be below"),
        ({"low": 0.0, "high": 1.0, "log": True}, "above 0"),
        ([1], "two or more"),
    ],
)
def test_sweep_space_that_is_none_is_refused(values: Any, why: str):
    with pytest.raises(ValueError, match=why):
        Sweep(space={"training.epochs": values})
