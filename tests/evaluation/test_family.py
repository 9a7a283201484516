"""Several comparisons at once, against hand calculations."""

import itertools

import pytest

from stillhouse.evaluation.family import holm, simultaneous_confidence


def test_holm_is_the_textbook_calculation():
    # sorted 0.005, 0.01, 0.03, 0.04: times 4, 3, 2, 1 is 0.02, 0.03, 0.06, 0.04; the last is lifted to 0.06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_order_does_not_matter():
    for order in itertools.permutations([0.2, 0.02, 0.02, 0.9]):
        assert dict(zip(order, holm(order), strict=True)) == pytest.approx({0.02: 0.08, 0.2: 0.4, 0.9: 0.9})


def test_holm_is_at_most_one_and_leaves_a_single_test_alone():
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_simultaneous_confidence_shares_the_error_out():
    assert simultaneous_confidence(0.95, 5) == pytest.approx(0.99)
    assert simultaneous_confidence(0.95, 0) == pytest.approx(0.95)
