"""Intervals and tests over clusters of rows, against enumeration and simulation."""

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import stats

from stillhouse.data.groups import group_name
from stillhouse.evaluation.clusters import clusters_of
from stillhouse.evaluation.difference_tests import exchange_p_value, share_p_value
from stillhouse.evaluation.scoring import Scoring, interval, p_value
from stillhouse.evaluation.significance import accuracy_interval, bootstrap_interval, share_interval
from stillhouse.metrics.labels import macro_f1
from stillhouse.metrics.metric import mean_statistic
from stillhouse.recipe.evaluation import Evaluation
from stillhouse.skills.classification import Classification
from stillhouse.skills.conversation import Conversation

SETTINGS = Evaluation(resamples=4000)
FIVE = np.array([0, 0, 0, 1, 1, 2, 3, 3, 4])


def row(group: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"id": "1", "meta": "{}" if group is None else f'{{"@group":"{group_name(group)}"}}', **fields}


def test_clusters_of_groups_dialogues_and_rows_alone():
    rows = [row("ann"), row(), row("bob"), row("ann"), row(dialogue="7"), row(), row(dialogue="7"), row("7")]
    codes = clusters_of(rows)
    assert codes is not None
    same = {(a, b) for a in range(8) for b in range(a) if codes[a] == codes[b]}
    assert same == {(3, 0), (6, 4)}
    assert set(codes) == set(range(6))


@pytest.mark.parametrize("groups", [[None, None], ["a", "b"], ["a", "a"]])
def test_clusters_of_rows_that_are_alone_or_all_together_are_none(groups):
    assert clusters_of([row(group) for group in groups]) is None


def test_clusters_of_dialogues_are_their_replies():
    turns = [{"role": role, "content": f"{role} {at}"} for at in range(3) for role in ("user", "assistant")]
    dialogue = {"label": None, "source": "test", "references": [], "meta": "{}", "messages": turns}
    rows = [{**dialogue, "id": name} for name in ("a#1", "a")]
    every = Conversation(kind="conversation", targets="all")
    assert clusters_of([case for one in rows for case in every.cases(one)]).tolist() in (
        [0, 0, 0, 1, 1, 1],
        [1, 1, 1, 0, 0, 0],
    )
    last = Conversation(kind="conversation")
    assert clusters_of([case for one in rows for case in last.cases(one)]) is None


def test_share_p_value_of_clusters_is_that_of_all_exchanges():
    ours, theirs = [1, 1, 1, 1, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 0, 0, 0, 1]
    difference = [sum(a - b for a, b, at in zip(ours, theirs, FIVE, strict=True) if at == code) for code in range(5)]
    totals = [
        sum(sign * one for sign, one in zip(signs, difference, strict=True)) for signs in product((1, -1), repeat=5)
    ]
    expected = np.mean([abs(total) >= abs(sum(difference)) for total in totals])
    assert share_p_value(ours, theirs, SETTINGS, FIVE) == pytest.approx(expected)
    assert expected > share_p_value(ours, theirs, SETTINGS)  # nine rows alone would say more


def test_exchange_p_value_of_clusters_is_that_of_all_exchanges():
    truth = list("aaabbbabb")
    ours, theirs = list("aaabbaabb"), list("abbbaabba")
    joint = macro_f1([*ours, *theirs], [[one] for one in truth * 2])
    rows = np.arange(9)

    def difference(signs: tuple[int, ...]) -> float:
        swapped = np.array(signs, bool)[FIVE]
        return abs(joint(rows + 9 * swapped) - joint(rows + 9 * ~swapped))

    expected = np.mean([difference(signs) >= difference((0,) * 5) - 1e-12 for signs in product((0, 1), repeat=5)])
    assert exchange_p_value(joint, 9, 6000, 0, FIVE) == pytest.approx(expected, abs=0.02)


def test_bootstrap_interval_of_clusters_is_the_spread_percentiles_of_every_resample():
    clusters, values = np.array([0, 0, 1, 2, 2, 2, 3]), np.array([1.0, 3.0, 8.0, 2.0, 2.5, 1.5, 5.0])
    members = [np.flatnonzero(clusters == code) for code in range(4)]
    exact = [values[np.concatenate([members[code] for code in drawn])].mean() for drawn in product(range(4), repeat=4)]
    tail = stats.norm.cdf(-stats.t.ppf(0.9, 3) * math.sqrt(4 / 3))
    found = bootstrap_interval(mean_statistic(list(values)), 7, Evaluation(confidence=0.8, resamples=20_000), clusters)
    assert (found.value, found.n) == (values.mean(), 7)
    assert found.low == pytest.approx(np.quantile(exact, tail), abs=0.1)
    assert found.high == pytest.approx(np.quantile(exact, 1 - tail), abs=0.1)


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_share_interval_of_clusters_all_alike_is_wilsons_of_the_clusters(right):
    scores = [right] * 5 + [math.nan] + [right] * 3  # the only row of cluster 2 does not count
    found, expected = share_interval(scores, SETTINGS, FIVE), accuracy_interval([right] * 4, 0.95)
    assert (found.value, found.low, found.high, found.n) == (right, expected.low, expected.high, 8)


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_scoring_of_doubled_rows_in_clusters_says_no_more_than_each_once(metric):
    rng = np.random.default_rng(3)
    truth = rng.choice(list("ab"), 40).tolist()
    ours, theirs = ([one if rng.random() < share else "c" for one in truth] for share in (0.85, 0.7))
    skill, settings = Classification(labels=("a", "b", "c")), Evaluation(metrics=(metric,), resamples=4000)

    def scoring(times: int, clusters: Any) -> Scoring:
        return Scoring([[one] for one in truth * times], ("a", "b", "c"), settings, skill, clusters)

    once, twice = scoring(1, None), scoring(2, np.tile(np.arange(40), 2))
    one, two = interval(metric, ours, once), interval(metric, ours * 2, twice)
    assert two.high - two.low == pytest.approx(one.high - one.low, rel=0.12)
    expected = p_value(metric, ours, theirs, once)
    assert p_value(metric, ours * 2, theirs * 2, twice) == pytest.approx(expected, abs=0.01)
    assert p_value(metric, ours * 2, theirs * 2, scoring(2, None)) < expected / 2


def coverage(simulations: int, resamples: int) -> tuple[float, float]:
    """How often the interval of a share holds the truth: over clusters, and over rows as if each were alone.

    40 clusters of 8 rows; a cluster's share is drawn from Beta(0.7, 0.3), whose intra-class correlation is 0.5.
    """
    rng, clusters = np.random.default_rng(0), np.repeat(np.arange(40), 8)
    settings, hits = Evaluation(resamples=resamples), np.zeros(2)
    for _ in range(simulations):
        scores = (rng.random(320) < np.repeat(rng.beta(0.7, 0.3, 40), 8)).astype(float)
        found = share_interval(scores, settings, clusters), share_interval(scores, settings)
        hits += [one.low <= 0.7 <= one.high for one in found]
    by_clusters, by_rows = hits / simulations
    return float(by_clusters), float(by_rows)


def test_share_interval_of_clusters_covers_the_truth_where_rows_alone_do_not():
    by_clusters, by_rows = coverage(250, 400)
    assert by_clusters >= 0.9
    assert by_rows < 0.75


@pytest.mark.long
def test_share_interval_of_clusters_covers_the_truth_in_1000_simulations():
    by_clusters, _ = coverage(1000, 2000)
    assert 0.925 <= by_clusters <= 0.975
