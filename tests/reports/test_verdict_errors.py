"""How often the verdict on a teacher is wrong, over simulated test sets whose truth is known."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from stillhouse.evaluation.difference_tests import share_p_value
from stillhouse.evaluation.family import holm
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.reports.schema.models import Gain
from stillhouse.reports.verdict import corrected_outcome, decide

SIMULATIONS, ROWS = 1000, 250
CLUSTERS = np.repeat(np.arange(40), 8)
SCENARIOS = {
    "all six as good": [0.7] * 6,
    "one as good, five far below": [0.7, *[0.4] * 5],
    "graded": [0.7, 0.69, 0.68, 0.66, 0.6, 0.5],
    "one better": [0.72, 0.7, *[0.3] * 4],
}
Draw = Callable[[np.random.Generator, NDArray[np.float64]], NDArray[np.bool_]]
scenarios = pytest.mark.parametrize("alternatives", SCENARIOS.values(), ids=list(SCENARIOS))


def rows_alone(rng: np.random.Generator, true: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows each model has right: half of them go by a difficulty that the models share."""
    shared, own = rng.random(ROWS), rng.random((len(true), ROWS))
    return np.where(rng.random((len(true), ROWS)) < 0.5, shared, own) < true[:, np.newaxis]


def rows_in_clusters(rng: np.random.Generator, true: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Likewise in 40 clusters of 8 rows, each model's with an intra-class correlation of 0.5."""
    of_clusters = rng.beta(true[:, np.newaxis], 1 - true[:, np.newaxis], (len(true), 40))
    return rng.random((len(true), 320)) < np.repeat(of_clusters, 8, axis=1)


def decisions(
    draw: Draw,
    student: float,
    alternatives: list[float],
    clusters: NDArray[np.intp] | None = None,
    *,
    simulations: int = SIMULATIONS,
    resamples: int = 400,
) -> Counter[str]:
    """The verdicts of many test sets; each model's true accuracy is given."""
    rng, settings = np.random.default_rng(0), Evaluation(resamples=resamples)
    found: Counter[str] = Counter()
    for _ in range(simulations):
        right = draw(rng, np.asarray([student, *alternatives]))
        ours, theirs = right[0], right[1:]
        corrected = holm([share_p_value(ours, other, settings, clusters) for other in theirs])
        values = [float(ours.mean() - other.mean()) for other in theirs]
        gains = [
            Gain(value=value, low=None, high=None, p_value=None, p_corrected=p)
            for value, p in zip(values, corrected, strict=True)
        ]
        found[decide([corrected_outcome(gain, 0.95) for gain in gains])] += 1
    return found


@scenarios
def test_verdict_wrong_yes_is_rarer_than_one_in_twenty(alternatives):
    found = decisions(rows_alone, 0.7, alternatives)
    assert found["yes"] / SIMULATIONS <= 0.05
    assert found.total() == SIMULATIONS


def test_verdict_over_clusters_wrong_yes_is_rare_where_rows_alone_mislead():
    alternatives = SCENARIOS["one as good, five far below"]
    found = decisions(rows_in_clusters, 0.7, alternatives, CLUSTERS, simulations=200)
    assert found["yes"] / 200 <= 0.05
    # as if each of the rows were alone, the same data give a wrong yes far more often
    assert decisions(rows_in_clusters, 0.7, alternatives, simulations=200)["yes"] / 200 > 0.1


@pytest.mark.long
@scenarios
def test_verdict_over_clusters_wrong_yes_is_rarer_than_one_in_twenty(alternatives):
    found = decisions(rows_in_clusters, 0.7, alternatives, CLUSTERS, resamples=2000)
    assert found["yes"] / SIMULATIONS <= 0.05


def test_verdict_wrong_no_is_rarer_than_one_in_twenty():
    # uncorrected, one of six equal alternatives looks better in more than a tenth of the test sets
    assert decisions(rows_alone, 0.7, [0.7] * 6)["no"] / SIMULATIONS <= 0.05


def test_verdict_sees_what_is_there():
    assert decisions(rows_alone, 0.8, [0.6, 0.5, 0.5, 0.4, 0.4, 0.3])["yes"] / SIMULATIONS > 0.95
    assert decisions(rows_alone, 0.6, [0.8, 0.5, 0.5, 0.4, 0.4, 0.3])["no"] / SIMULATIONS > 0.95
