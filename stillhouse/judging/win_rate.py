"""The student's win rate against one model, with intervals, and measures of the judge's bias."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from stillhouse.evaluation.significance import accuracy_interval, bootstrap_interval, mcnemar_p_value
from stillhouse.judging.pairs import Line, outcome_of
from stillhouse.judging.verdicts import Outcome, outcome_of_verdict
from stillhouse.metrics.metric import mean_statistic
from stillhouse.recipe.evaluation import Evaluation

# points of a row for the student
_POINTS: dict[Outcome, float] = {"win": 1.0, "tie": 0.5, "loss": 0.0}


def tally(lines: Sequence[Line], settings: Evaluation) -> dict[str, Any]:
    """Return the report's block of one opponent, from at least one line about it.

    win, tie, loss: shares of all rows, with Wilson intervals. win_rate: wins and half of the ties, with a bootstrap
    interval over rows. p_value: exact, of wins against losses. Over the pairs that the judge saw: agreement is
    the share with the same verdict in both orders, first_position the share of verdicts, ties aside, for the answer
    shown first (0.5 = no bias), longer_wins the share of decided pairs that the longer answer won.
    """
    outcomes = [outcome_of(line) for line in lines]
    judged = [line for line in lines if line["asked"]]
    shares = {
        name: asdict(accuracy_interval([outcome == name for outcome in outcomes], settings.confidence))
        for name in ("win", "tie", "loss")
    }
    points = mean_statistic([_POINTS[outcome] for outcome in outcomes])
    rate = bootstrap_interval(points, len(lines), settings)
    wins, losses = ([outcome == name for outcome in outcomes] for name in ("win", "loss"))
    return {
        "model": lines[0]["model"],
        "asked": len(judged),
        **shares,
        "win_rate": asdict(rate),
        "p_value": mcnemar_p_value(wins, losses),
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
