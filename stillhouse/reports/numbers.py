"""Numbers as people read them: sensible digits and a unit, or "not measured"."""

from stillhouse.reports.schema.data import LearntLogits, SoftLabels
from stillhouse.skills.registry import METRICS

NOT_MEASURED = "not measured"
MINUS = "−"  # the sign as wide as "+", so that columns of gains align


def count(value: int | float | None) -> str:
    """Return a whole number in groups of three digits: 12,480."""
    return NOT_MEASURED if value is None else f"{value:,.0f}".replace("-", MINUS)


def decimal(value: float | None, digits: int = 3) -> str:
    """Return a plain decimal, by default with three digits."""
    return NOT_MEASURED if value is None else f"{value:.{digits}f}".replace("-", MINUS)


def soft_labels(learnt: SoftLabels) -> str:
    """Return how many rows teach the teacher's probabilities of the labels, and how: 700 rows, weight 0.5, ..."""
    return f"{count(learnt.rows)} rows, weight {learnt.weight:g}, temperature {learnt.temperature:g}"


def logits(learnt: LearntLogits) -> str:
    """Return how many tokens teach the teacher's log-probabilities, and how: 700 of 900 tokens, forward_kl, ..."""
    what = f"{learnt.draws} draws" if learnt.draws else f"{learnt.k} and the rest"
    how = f"{learnt.loss} of {what}, weight {learnt.weight:g}, temperature {learnt.temperature:g}"
    certainty = ", less where the teacher is sure" if learnt.by_certainty else ""
    return f"{count(learnt.tokens)} of {count(learnt.of)} tokens, {how}{certainty}"


def signed(value: float | None, digits: int = 3) -> str:
    """Return a decimal that always shows its sign."""
    return NOT_MEASURED if value is None else f"{value:+.{digits}f}".replace("-", MINUS)


def percent(value: float | None, digits: int = 0) -> str:
    """Return a fraction as per cent: 0.974 is 97 %."""
    return NOT_MEASURED if value is None else f"{value * 100:.{digits}f}\u00a0%".replace("-", MINUS)


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """Return `[low, high]`, or nothing if there is no interval."""
    if low is None or high is None:
        return ""
    return f"[{decimal(low, digits)},\u00a0{decimal(high, digits)}]"


def rate(value: float | None) -> str:
    """Return a rate or a time with about three significant digits: 1,240, 87.3, 4.12."""
    if value is None:
        return NOT_MEASURED
    return count(value) if abs(value) >= 100 else decimal(value, 1 if abs(value) >= 10 else 2)


def milliseconds(value: float | None) -> str:
    """Return milliseconds with their unit: 745 ms, 41.2 ms."""
    return NOT_MEASURED if value is None else f"{rate(value)}\u00a0ms"


def seconds(value: float | None) -> str:
    """Return seconds as 87.2 s, 5 min 11 s or 2.5 h."""
    if value is None:
        return NOT_MEASURED
    if value < 120:
        return f"{value:.1f}\u00a0s"
    if value < 7200:
        minutes, rest = divmod(round(value), 60)
        return f"{minutes}\u00a0min\u00a0{rest}\u00a0s"
    return f"{value / 3600:.1f}\u00a0h"


def size(value: int | float | None) -> str:
    """Return bytes in binary units: 128 MiB, 4.40 GiB."""
    if value is None:
        return NOT_MEASURED
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= scale:
            return f"{rate(value / scale)}\u00a0{unit}"
    return f"{count(value)}\u00a0B"


def parameters(value: int | None) -> str:
    """Return a parameter count: 64.1 M, 7.24 B."""
    if value is None:
        return NOT_MEASURED
    for unit, scale in (("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if value >= scale:
            return f"{rate(value / scale)}\u00a0{unit}"
    return count(value)


def dollars(value: float | None) -> str:
    """Return US dollars; below ten cents with two significant digits."""
    if value is None:
        return NOT_MEASURED
    return f"${value:,.2f}" if value >= 0.1 or value == 0 else f"${value:.2g}"


def metric_name(metric: str) -> str:
    """Return a metric's name in words: macro F1 for `macro_f1`; any other number's name as it is."""
    return METRICS[metric].label if metric in METRICS else metric


def p_value(value: float | None) -> str:
    """Return `p < 0.001` or `p = 0.012`, or nothing if there was no test."""
    if value is None:
        return ""
    return "p\u00a0<\u00a00.001" if value < 0.001 else f"p\u00a0=\u00a0{value:.3f}"
