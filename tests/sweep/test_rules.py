"""Halving, the choice of the winner and the front, by cases worked out by hand."""

from typing import Any

import pytest

from stillhouse.recipe.sweep import Halving, Sweep
from stillhouse.sweep.choice import candidates, nearest, pareto_front, winner_of
from stillhouse.sweep.halving import goes_on, shares_of
from stillhouse.sweep.importance import importances
from stillhouse.sweep.trial import Measures, Rung, Trial


def rung(score: float, share: float = 1.0) -> Rung:
    return Rung(
        share=share, rows=100, score=score, validation_rows=50, seconds=2.0, cost_usd=0.5, student="s", answers="a"
    )


def complete(number: int, score: float, latency_s: float | None = 0.1, weight_bytes: int | None = 100) -> Trial:
    measures = Measures(latency_s=latency_s, weight_bytes=weight_bytes)
    return Trial(number=number, fields={"a": number}, state="complete", rungs=(rung(score),), measures=measures)


@pytest.mark.parametrize(
    ("pruning", "rows", "shares"),
    [
        (None, 1000, (1.0,)),
        (Halving(first_share=0.25, factor=2), 1000, (0.25, 0.5, 1.0)),
        (Halving(first_share=0.25, factor=2, min_rows=300), 1000, (0.5, 1.0)),
        (Halving(first_share=0.25, factor=2), 60, (1.0,)),
        (Halving(first_share=0.3, factor=4), 1000, (0.3, 1.0)),
    ],
)
def test_shares_of_grow_by_the_factor_up_to_all_rows(pruning: Halving | None, rows: int, shares: tuple[float, ...]):
    assert shares_of(pruning, rows) == pytest.approx(shares)


def test_shares_of_ninths_end_with_all_rows_once():
    assert len(shares_of(Halving(first_share=1 / 9, factor=3), 1000)) == 3


def test_goes_on_the_best_half_and_always_the_best():
    def at(number: int, score: float) -> Trial:
        return Trial(number=number, fields={}, rungs=(rung(score, 0.25),))

    halving = Halving(factor=2)
    trials = [at(0, 0.5), at(1, 0.7), at(2, 0.6)]
    assert goes_on(trials[0], trials[:1], halving)  # alone it is the best
    assert goes_on(trials[1], trials[:2], halving)
    assert not goes_on(trials[2], trials, halving)  # the second of three: the best one goes on
    assert goes_on(at(3, 0.65), [*trials, at(3, 0.65)], halving)  # the second of four
    assert not goes_on(at(3, 0.55), trials, halving)


def test_goes_on_compares_trials_after_the_same_share():
    early = Trial(number=0, fields={}, rungs=(rung(0.9, 0.25),))
    mine = Trial(number=1, fields={}, rungs=(rung(0.5, 0.25), rung(0.6, 0.5)))
    assert goes_on(mine, [early, mine], Halving(factor=2))


def test_winner_is_the_best_within_the_limits_and_of_equals_the_lighter():
    trials = [complete(0, 0.9, latency_s=0.3), complete(1, 0.8), complete(2, 0.8, weight_bytes=50), complete(3, 0.7)]
    best = winner_of(trials, {"latency_s": 0.2})
    assert best is not None
    assert best.number == 2
    assert [trial.number for trial in candidates(trials, {"latency_s": 0.2})] == [1, 2, 3]
    assert winner_of(trials, {"latency_s": 0.01}) is None
    found = nearest(trials, {"latency_s": 0.01})
    assert found is not None
    assert (found[0].number, found[1]) == (1, "latency_s")


def test_winner_what_was_not_measured_keeps_to_no_limit():
    assert candidates([complete(0, 0.9, latency_s=None)], {"latency_s": 1.0}) == []
    assert len(candidates([complete(0, 0.9, latency_s=None)], {})) == 1


def test_front_holds_each_trial_that_no_other_beats():
    trials = [
        complete(0, 0.9, 0.3, 100),
        complete(1, 0.8, 0.1, 100),
        complete(2, 0.8, 0.2, 100),  # beaten by 1
        complete(3, 0.7, 0.1, 50),  # lighter than all
        complete(4, 0.9, 0.3, 100),  # equal to 0: neither beats the other
        complete(5, 0.6, None, None),
    ]
    assert pareto_front(trials) == [0, 1, 3, 4]


def test_importances_name_the_field_that_moves_the_score():
    space: dict[str, Any] = {"training.epochs": {"low": 0.0, "high": 1.0}, "training.seed": {"low": 0, "high": 100}}
    trials = [
        Trial(
            number=at,
            fields={"training.epochs": at / 20, "training.seed": at * 37 % 101},
            state="complete",
            rungs=(rung(at / 20),),
        )
        for at in range(20)
    ]
    found = importances(Sweep(space=space), trials)
    assert next(iter(found)) == "training.epochs"
    assert found["training.epochs"] > 0.8
    assert sum(found.values()) == pytest.approx(1.0)
    assert importances(Sweep(space=space), trials[:3]) == {}
