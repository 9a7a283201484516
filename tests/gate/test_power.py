import numpy as np
import pytest

from stillhouse.gate.power import (
    better_power,
    gain_that_shows,
    grouped_power,
    not_worse_power,
    rows_for_margin,
    score_power,
)
from stillhouse.gate.shares import above_p_value, better_p_value, pair_shares

LEVEL = 0.025


def simulated(num_rows: int, differing: float, gain: float, rule: str, margin: float = 0.05) -> float:
    """Return the share of 2,000 drawn test sets on which a rule passes."""
    rng = np.random.default_rng(7)
    shares = [(differing + gain) / 2, (differing - gain) / 2, 1 - differing]
    passed, known = 0, {}
    for b, c, _ in rng.multinomial(num_rows, shares, size=2000).tolist():
        if (b, c) not in known:
            ours = np.repeat([True, False, True], (b, c, num_rows - b - c))
            pair = pair_shares(ours, np.repeat([False, True, True], (b, c, num_rows - b - c)))
            p = better_p_value(pair.sums) if rule == "better" else above_p_value(pair, -margin)
            known[b, c] = p <= LEVEL
        passed += known[b, c]
    return passed / 2000


@pytest.mark.parametrize(("num_rows", "differing"), [(100, 0.1), (250, 0.1), (1000, 0.15)])
def test_not_worse_power_is_the_share_of_test_sets_that_pass(num_rows, differing):
    assert not_worse_power(num_rows, differing, 0.05, LEVEL) == pytest.approx(
        simulated(num_rows, differing, 0.0, "not worse"), abs=0.03
    )


def test_not_worse_power_at_the_margin_is_at_most_about_its_level():
    assert not_worse_power(250, 0.1, 0.05, LEVEL, gain=-0.05) == pytest.approx(LEVEL, abs=0.015)


def test_gain_that_shows_passes_four_sets_of_five_and_too_few_rows_show_none():
    gain = gain_that_shows(250, 0.15, LEVEL)
    assert simulated(250, 0.15, gain, "better") == pytest.approx(0.8, abs=0.03)
    assert gain_that_shows(20, 0.1, LEVEL) is None


def test_better_power_is_the_share_of_test_sets_that_pass():
    assert better_power(250, 0.15, 0.06, LEVEL) == pytest.approx(simulated(250, 0.15, 0.06, "better"), abs=0.03)


def test_rows_for_margin_give_the_power_and_fewer_do_not():
    rows = rows_for_margin(0.1, 0.05, LEVEL)
    assert rows is not None
    assert not_worse_power(rows, 0.1, 0.05, LEVEL) >= 0.79
    assert not_worse_power(round(0.9 * rows), 0.1, 0.05, LEVEL) < 0.8
    assert rows_for_margin(0.1, 0.05, LEVEL, 2.0) == pytest.approx(2 * rows, abs=1)


def test_rows_for_margin_beyond_all_test_sets_are_not_named():
    assert rows_for_margin(0.5, 0.0005, LEVEL) is None


def test_grouped_power_of_groups_of_one_is_near_the_exact_one():
    found = grouped_power(1000, 0.1, 0.03, LEVEL, design_effect=1.0, num_groups=1000)
    assert found == pytest.approx(not_worse_power(1000, 0.1, 0.03, LEVEL), abs=0.03)


def test_score_power_at_the_quantiles_is_80_per_cent():
    assert score_power(0.01, (1.95996 + 0.84162) * 0.01, LEVEL, 100_000) == pytest.approx(0.8, abs=1e-3)
