"""The student's win rate against one model, with intervals, and measures of the judge's bias."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from stillhouse.evaluation.clusters import Clusters
from stillhouse.evaluation.difference_tests import share_p_value
from stillhouse.evaluation.significance import bootstrap_interval, share_interval
from stillhouse.judging.pairs import Line, outcome_of
from stillhouse.judging.verdicts import Outcome, outcome_of_verdict
from stillhouse.metrics.metric import mean_statistic
from stillhouse.recipe.evaluation import Evaluation

# points of a row for the student
_POINTS: dict[Outcome, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}


def tally_each(
    lines: Sequence[Line], settings: Evaluation, clusters: Clusters | None = None
) -> dict[str, dict[str, Any]]:
    """Return `tally` by opponent; `clusters` are those of the test rows, of which each opponent has a line each."""
    by_opponent: dict[str, list[Line]] = {}
    for line in lines:
        by_opponent.setdefault(line["against"], []).append(line)
    return {opponent: tally(own, settings, clusters) for opponent, own in by_opponent.items()}


def tally(lines: Sequence[Line], settings: Evaluation, clusters: Clusters | None = None) -> dict[str, Any]:
    """Return the report's block of one opponent, from at least one line about it.

    win, tie, loss: shares of all rows, with Wilson intervals. win_rate: wins and half of the ties, with a bootstrap
    interval over rows. p_value: exact, of wins against losses. With `clusters` of the rows, intervals and test are over
    clusters. Over the pairs that the judge saw: agreement is the share with the same verdict in both orders,
    first_position the share of verdicts, ties aside, for the answer shown first (0.5 = no bias), longer_wins the share
    of decided pairs that the longer answer won.
    """
    outcomes = [outcome_of(line) for line in lines]
    judged = [line for line in lines if line["asked"]]
    marks = {name: [float(outcome == name) for outcome in outcomes] for name in ("win", "tie", "loss")}
    points = mean_statistic([_POINTS[outcome] for outcome in outcomes])
    rate = bootstrap_interval(points, len(lines), settings, clusters)
    return {
        "model": lines[0]["model"],
        "asked": len(judged),
        **{name: asdict(share_interval(marked, settings, clusters)) for name, marked in marks.items()},
        "win_rate": asdict(rate),
        "p_value": share_p_value(marks["win"], marks["loss"], settings, clusters),
        "agreement": _share([_agrees(line) for line in judged]),
        "first_position": _share([verdict == "A" for verdict in _verdicts(judged) if verdict in ("A", "B")]),
        "longer_wins": _share(_longer_won(judged)),
        "unreadable": sum(verdict is None for verdict in _verdicts(judged)),
    }


def _verdicts(judged: Sequence[Line]) -> list[str | None]:
    return [line[order] for line in judged for order in ("first", "second")]


def _agrees(line: Line) -> bool:
    outcome = outcome_of_verdict(line["first"], is_swapped=False)
    return outcome is not None and outcome == outcome_of_verdict(line["second"], is_swapped=True)


def _longer_won(judged: Sequence[Line]) -> list[bool]:
    """Return, for each pair with a winner and answers of unequal length, whether the longer one won."""
    won = []
    for line in judged:
        outcome, excess = outcome_of(line), len(line["student"]) - len(line["other"])
        if outcome != "tie" and excess:
            won.append((outcome == "win") == (excess > 0))
    return won


def _share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None
