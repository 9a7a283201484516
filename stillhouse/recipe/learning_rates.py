"""The learning rate that fits a student's size and the method, for recipes that set none."""

import math

BILLION = 10**9
# peak rates of students with fewer parameters than the number before. All weights of a large model are moved by less,
# or it forgets what it knew; adapters start at zero and bear more.
_OF_ALL_WEIGHTS = ((0.5, 5e-4), (1.0, 1e-4), (3.0, 5e-5), (6.0, 2e-5), (math.inf, 1e-5))
_OF_ADAPTERS = ((0.5, 5e-4), (6.0, 2e-4), (math.inf, 1e-4))


def fitting_rate(parameters: int | None, *, has_adapter: bool) -> float:
    """Return the peak learning rate of a student with so many parameters; None (not known) counts as 1 billion."""
    billions = 1.0 if parameters is None else parameters / BILLION
    steps = _OF_ADAPTERS if has_adapter else _OF_ALL_WEIGHTS
    return next(rate for below, rate in steps if billions < below)


def preference_rate(parameters: int | None, *, has_adapter: bool) -> float:
    """Return the peak learning rate of a second step on pairs; None (not known) counts as 1 billion parameters.

    Far below that of the first: the loss is of a difference, which a few large steps would widen without end.
    """
    if has_adapter:
        return 1e-5
    return 5e-6 if parameters is not None and parameters < BILLION else 1e-6


def rates_in_words() -> str:
    """Return all the rates in one line."""
    return f"{_in_words(_OF_ALL_WEIGHTS)}; of adapters {_in_words(_OF_ADAPTERS)}"


def _in_words(steps: tuple[tuple[float, float], ...]) -> str:
    return ", ".join(
        f"{rate:.0e} below {below:g} billion parameters" if below < math.inf else f"{rate:.0e} from there on"
        for below, rate in steps
    )
