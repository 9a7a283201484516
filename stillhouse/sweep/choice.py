"""Which trial wins, and which ones no other trial beats in every way."""

from collections.abc import Sequence

from stillhouse.sweep.trial import Trial


def candidates(trials: Sequence[Trial], limits: dict[str, float]) -> list[Trial]:
    """Return the trials that may win: complete, and within all limits."""
    complete = [trial for trial in trials if trial.state == "complete"]
    return [trial for trial in complete if all(over <= 0 for over in trial.measures.excess(limits).values())]


def winner_of(trials: Sequence[Trial], limits: dict[str, float]) -> Trial | None:
    """Return the candidate with the best score; of equals the lighter, the faster, the earlier. None without any."""

    def rank(trial: Trial) -> tuple[float, float, float, int]:
        found = trial.measures
        heavy, slow = (float("inf") if one is None else one for one in (found.weight_bytes, found.latency_s))
        return -(trial.score or 0.0), heavy, slow, trial.number

    return min(candidates(trials, limits), key=rank, default=None)


def nearest(trials: Sequence[Trial], limits: dict[str, float]) -> tuple[Trial, str] | None:
    """Return the complete trial that exceeds the limits least, and the limit that it exceeds most."""
    complete = [trial for trial in trials if trial.state == "complete"]
    if not complete or not limits:
        return None
    best = min(complete, key=lambda trial: max(trial.measures.excess(limits).values()))
    excess = best.measures.excess(limits)
    return best, max(excess, key=lambda name: excess[name])


def pareto_front(trials: Sequence[Trial]) -> list[int]:
    """Return the numbers of the complete trials that none beats: at least as good, fast and light, and in one better.

    What was not measured of a trial counts as the worst.
    """
    points = {trial.number: _point(trial) for trial in trials if trial.state == "complete"}
    return [number for number, point in points.items() if not any(_beats(other, point) for other in points.values())]


def _point(trial: Trial) -> tuple[float, float, float]:
    """Return what is to be small: minus the score, seconds of a request, bytes of weights."""
    measured = (trial.measures.latency_s, trial.measures.weight_bytes)
    slow, heavy = (float("inf") if one is None else float(one) for one in measured)
    return -(trial.score or 0.0), slow, heavy


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(mine <= theirs for mine, theirs in zip(one, other, strict=True))
