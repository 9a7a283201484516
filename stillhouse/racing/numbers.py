"""Qualities as people read them: points of a hundred."""


def points(value: float) -> str:
    """Return a difference in [-1, 1] in points, as 1.2."""
    return f"{100 * value:.1f}".replace("-0.0", "0.0").replace("-", "−")


def points_interval(low: float, high: float) -> str:
    """Return an interval in points, as [0.4, 2.0]."""
    return f"[{points(low)}, {points(high)}]"
