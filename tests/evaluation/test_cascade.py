"""A student that hands unsure rows back to its teacher: which threshold is chosen, and what comes of it."""

import numpy as np
import pytest

from stillhouse.evaluation.cascade import Prices, blend, choose, thresholds


def test_thresholds_hand_back_rising_shares_of_the_validation_rows():
    sure = np.random.default_rng(0).random(100)
    shares = [float(np.mean(sure < one)) for one in thresholds(sure)]
    assert shares == pytest.approx([number / 50 for number in range(50)])


def test_thresholds_equal_certainties_are_handed_back_together_or_not_at_all():
    sure = np.asarray([0.5] * 10 + [0.9] * 10)
    assert thresholds(sure) == [0.0, 0.5, 0.9]


@pytest.mark.parametrize(("most", "share"), [(0.3, 0.12), (0.35, 0.16), (0.11, 0.0), (0.99, 0.82)])
def test_choose_spends_what_may_be_spent_and_no_more(most: float, share: float):
    sure = np.random.default_rng(1).permutation(np.arange(100) / 100)
    prices = Prices(student=5.0, teacher=50.0)
    chosen = choose(thresholds(sure), sure, prices, most)
    assert float(np.mean(sure < chosen)) == pytest.approx(share)
    # by hand: the upper root of (p - share)² = z² p (1 - p) / n, at the next share it is above what may be spent
    z = 1.6448536

    def upper(p: float) -> float:
        return (p + z**2 / 200 + z * np.sqrt(p * (1 - p) / 100 + z**2 / 40_000)) / (1 + z**2 / 100)

    assert prices.of_blend(upper(share) if share else 0.0) <= most < prices.of_blend(upper(share + 0.02))


@pytest.mark.parametrize("rows", [40, 250])
def test_choose_keeps_to_the_cost_on_rows_that_it_has_not_seen(rows: int):
    rng, above = np.random.default_rng(2), 0
    for _ in range(400):
        sure, unseen = rng.random(rows), rng.random(4000)
        chosen = choose(thresholds(sure), sure, Prices(student=0.0, teacher=1.0), 0.3)
        above += float(np.mean(unseen < chosen)) > 0.3
    # by the share on the validation rows alone it was nearly half of them
    assert above / 400 < 0.08


def test_choose_student_that_costs_too_much_alone_has_no_threshold():
    sure = np.asarray([0.1, 0.9])
    assert choose(thresholds(sure), sure, Prices(student=4.0, teacher=10.0), 0.3) is None


def test_choose_takes_the_best_affordable_threshold_and_of_equals_the_lowest():
    sure = np.arange(100) / 100
    prices = Prices(student=0.0, teacher=1.0)
    tried = thresholds(sure)
    # best of all at 0.9, which costs too much; of those that may be spent 0.06 and 0.1 are equally good
    quality = {0.9: 1.0, 0.06: 0.8, 0.1: 0.8}
    assert choose(tried, sure, prices, 0.3, lambda one: quality.get(round(one, 2), 0.5)) == pytest.approx(0.06)
    assert choose(tried, sure, prices, 0.3, lambda one: -one) == 0.0
    assert choose(tried, sure, Prices(student=4.0, teacher=10.0), 0.3, lambda one: one) is None


def test_blend_takes_the_teachers_answer_where_the_student_is_less_sure():
    sure = np.asarray([0.2, 0.5, 0.8])
    assert blend(sure, 0.5, ["s", "s", "s"], ["t", "t", None]) == ["t", "s", "s"]
    assert blend(sure, 0.0, ["s", None, "s"], ["t", "t", "t"]) == ["s", None, "s"]
