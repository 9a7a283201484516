"""What the pairs against one model come to: wins with intervals, and how far the judge can be believed.

Separate because these are pure functions of the verdicts, recomputed in every report.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from stillhouse.evaluation.significance import (
    Interval,
    accuracy_interval,
    bootstrap_interval,
    mcnemar_p_value,
)
from stillhouse.judging.pairs import Line, outcome_of
from stillhouse.judging.verdicts import Outcome, meant
from stillhouse.metrics.metric import mean_statistic
from stillhouse.recipe.evaluation import Evaluation

# what a row is worth to the student
_POINTS: dict[Outcome, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}


def tally(lines: Sequence[Line], settings: Evaluation) -> dict[str, Any]:
    """Return the block of one opponent, out of at least one line about it.

    win, tie, loss: shares of all rows, with Wilson intervals. win_rate: wins and half of the ties, with a bootstrap
    interval over rows. p_value: exact, of wins against losses. Of the pairs the judge was asked about: agreement is the
    share on which both orders gave the same verdict, first_position the share of verdicts for either answer that went
    to the one shown first (0.5 = no bias), longer_wins the share of decided pairs that the longer answer won.
    """
    outcomes = [outcome_of(line) for line in lines]
    asked = [line for line in lines if line["asked"]]
    shares = {
        name: _estimate(accuracy_interval([outcome == name for outcome in outcomes], settings.confidence))
        for name in ("win", "tie", "loss")
    }
    points = mean_statistic([_POINTS[outcome] for outcome in outcomes])
    rate = bootstrap_interval(points, len(lines), settings.confidence, settings.resamples, settings.seed)
    wins, losses = ([outcome == name for outcome in outcomes] for name in ("win", "loss"))
    return {
        "model": lines[0]["model"],
        "asked": len(asked),
        **shares,
        "win_rate": _estimate(rate),
        "p_value": mcnemar_p_value(wins, losses),
        "agreement": _share([_agrees(line) for line in asked]),
        "first_position": _share([said == "A" for said in _said(asked) if said in ("A", "B")]),
        "longer_wins": _share(_longer_won(asked)),
        "unreadable": sum(said is None for said in _said(asked)),
    }


def _said(asked: Sequence[Line]) -> list[str | None]:
    return [line[order] for line in asked for order in ("first", "second")]


def _agrees(line: Line) -> bool:
    first, second = meant(line["first"], is_swapped=False), meant(line["second"], is_swapped=True)
    return first is not None and first == second


def _longer_won(asked: Sequence[Line]) -> list[bool]:
    """Return, for each pair that has a winner and answers of unequal length, whether the longer one won."""
    found = []
    for line in asked:
        outcome, more = outcome_of(line), len(line["student"]) - len(line["other"])
        if outcome != "tie" and more:
            found.append((outcome == "win") == (more > 0))
    return found


def _share(found: Sequence[bool]) -> float | None:
    return sum(found) / len(found) if found else None


def _estimate(found: Interval) -> dict[str, Any]:
    return {name: value for name, value in asdict(found).items() if name != "method"}
