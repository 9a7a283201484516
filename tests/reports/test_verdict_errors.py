"""How often the verdict on a teacher is wrong, over simulated test sets whose truth is known."""

from collections import Counter

import numpy as np
import pytest

from stillhouse.evaluation.family import holm
from stillhouse.evaluation.significance import mcnemar_p_value
from stillhouse.reports.schema.models import Gain
from stillhouse.reports.verdict import corrected_outcome, decide

SIMULATIONS, ROWS = 1000, 250


def decisions(student: float, alternatives: list[float]) -> Counter[str]:
    """The verdicts of many test sets; each model's true accuracy is given, and hard rows are hard for all."""
    rng = np.random.default_rng(0)
    true = np.asarray([student, *alternatives])[:, np.newaxis]
    found: Counter[str] = Counter()
    for _ in range(SIMULATIONS):
        # half of the rows go by a difficulty that the models share, which leaves each its accuracy
        shared, own = rng.random(ROWS), rng.random((len(true), ROWS))
        right = np.where(rng.random((len(true), ROWS)) < 0.5, shared, own) < true
        ours, theirs = right[0], right[1:]
        corrected = holm([mcnemar_p_value(ours, other) for other in theirs])
        values = [float(ours.mean() - other.mean()) for other in theirs]
        gains = [
            Gain(value=value, low=None, high=None, p_value=None, p_corrected=p)
            for value, p in zip(values, corrected, strict=True)
        ]
        found[decide([corrected_outcome(gain, 0.95) for gain in gains])] += 1
    return found


@pytest.mark.parametrize(
    "alternatives",
    [[0.7] * 6, [0.7, *[0.4] * 5], [0.7, 0.69, 0.68, 0.66, 0.6, 0.5], [0.72, 0.7, *[0.3] * 4]],
    ids=["all six as good", "one as good, five far below", "graded", "one better"],
)
def test_verdict_wrong_yes_is_rarer_than_one_in_twenty(alternatives):
    found = decisions(0.7, alternatives)
    assert found["yes"] / SIMULATIONS <= 0.05
    assert found.total() == SIMULATIONS


def test_verdict_wrong_no_is_rarer_than_one_in_twenty():
    # uncorrected, one of six equal alternatives looks better in more than a tenth of the test sets
    assert decisions(0.7, [0.7] * 6)["no"] / SIMULATIONS <= 0.05


def test_verdict_sees_what_is_there():
    assert decisions(0.8, [0.6, 0.5, 0.5, 0.4, 0.4, 0.3])["yes"] / SIMULATIONS > 0.95
    assert decisions(0.6, [0.8, 0.5, 0.5, 0.4, 0.4, 0.3])["no"] / SIMULATIONS > 0.95
