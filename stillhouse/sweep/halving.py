"""Successive halving over training rows: how many a trial learns next, and whether it goes on to them.

Source: L. Li et al., A System for Massively Parallel Hyperparameter Tuning (arXiv:1810.05934), algorithm 2.
"""

from collections.abc import Sequence

from stillhouse.recipe.sweep import Halving
from stillhouse.sweep.trial import Trial


def shares_of(pruning: Halving | None, num_rows: int) -> tuple[float, ...]:
    """Return the shares of `num_rows` training rows that a trial learns in turn, the last is 1."""
    shares = []
    share = pruning.first_share if pruning else 1.0
    # 1/9 x 3 x 3 is a hair less than 1
    while pruning and share < 1.0 - 1e-6:
        if share * num_rows >= pruning.min_rows:
            shares.append(share)
        share *= pruning.factor
    return (*shares, 1.0)


def goes_on(trial: Trial, trials: Sequence[Trial], pruning: Halving) -> bool:
    """Return whether a trial is among the best 1 / factor of those that have learnt the same share, or the best.

    `trials` may hold `trial` itself, in an earlier state.
    """
    at = len(trial.rungs) - 1
    others = [one.rungs[at].score for one in trials if one.number != trial.number and len(one.rungs) > at]
    better = sum(score > trial.rungs[at].score for score in others)
    return better < max(1, (len(others) + 1) // pruning.factor)
