"""The smallest difference that a test set shows: so many rows may be too few for the question asked of them."""

import math

from scipy import optimize, stats

POWER = 0.8  # of the test sets with such a difference show it


def smallest_share_difference(num_rows: int, differing: float, confidence: float) -> float | None:
    """Return the least true difference of two shares that `num_rows` rows show with 80 % power, tested two-sided.

    `differing` is the share of rows that just one of both models has right. It is solved from

        n = (z_(a/2) sqrt(d) + z_b sqrt(d - x^2))^2 / x^2,

    d being `differing`, or the difference x itself if that is more, since no fewer rows can differ. None if no
    difference would show.

    Source: R. J. Connor, Sample size for testing differences in proportions for the paired-sample design, Biometrics 43
    (1987).
    """

    def lacking(difference: float) -> float:
        return share_rows_needed(difference, differing, confidence) - num_rows

    if num_rows < 1 or lacking(1.0) > 0:
        return None
    return float(optimize.brentq(lacking, 1e-6, 1.0))


def share_rows_needed(difference: float, differing: float, confidence: float) -> float:
    """Return how many rows show a true `difference` of two shares, by the formula of `smallest_share_difference`."""
    found, missed = _quantiles(confidence)
    share = max(differing, difference)
    spread = found * math.sqrt(share) + missed * math.sqrt(share - difference**2)
    return (spread / difference) ** 2


def smallest_difference(standard_error: float, confidence: float) -> float | None:
    """Return the least true difference that shows with 80 % power: (z_(a/2) + z_b) times its standard error.

    None without an error: models with the same answers say nothing about what others' would show.

    Source: the power of a two-sided z-test of a paired difference, its other tail left out; J. Cohen, Statistical Power
    Analysis for the Behavioral Sciences, 2nd edition (1988), section 2.4.
    """
    return sum(_quantiles(confidence)) * standard_error if standard_error > 0 else None


def _quantiles(confidence: float) -> tuple[float, float]:
    return float(stats.norm.ppf((1 + confidence) / 2)), float(stats.norm.ppf(POWER))
