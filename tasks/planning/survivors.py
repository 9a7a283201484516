"""How many answers the filters will keep: those known are judged by the filters themselves, the rest by the probe.

Separate because it runs the real filters on a part of the rows, and must not differ from the stage.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.costs.forecast import Range, forecast_share, forecast_sum, together
from tasks.filters.answered import Lines
from tasks.filters.apply import apply
from tasks.filters.result import FilterResult
from tasks.planning.answers import completions_of, merged
from tasks.planning.known import Known
from tasks.planning.reach import Reach
from tasks.recipe.recipe import Recipe

Row = dict[str, Any]


def survivors(
    known: Sequence[Known],
    lines: Sequence[Lines],
    reach: Sequence[Reach],
    sides: Sequence[Sequence[Row]],
    recipe: Recipe,
    labels: Sequence[str],
) -> dict[str, Any]:
    """Return {answers: all there will be, kept: Range or None, judged: n, dropped: {reason: n} of those judged}.

    A row is judged once all teachers that it goes to have answered; one that is not is forecast from the probed rows of
    the teacher whose answer it lacks.
    """
    rows = _rows(known)
    lacking = {row_id: _first_lacking(row_id, lines, reach) for row_id in rows}
    whole = {row_id for row_id, place in lacking.items() if place is None}
    judged = _judge(merged(lines, [whole & one.sure for one in reach]), sides, recipe, labels)
    kept = Counter(one["row"]["id"] for one in judged.kept)
    expected = together(
        _expected(
            [kept[row_id] / rows[row_id] for row_id in sorted(_probed(one) & whole)],
            sum(rows[row_id] for row_id, lacks in lacking.items() if lacks == place),
        )
        for place, one in enumerate(known)
    )
    return {
        "answers": round(sum(_num_answers(one, to) for one, to in zip(known, reach, strict=True))),
        "kept": None if expected is None else expected.plus(len(judged.kept)),
        "judged": judged.num_in,
        "dropped": judged.counts,
    }


def _rows(known: Sequence[Known]) -> Mapping[str, int]:
    """Return how often each row is asked: one that balancing repeats stands there as often."""
    found: dict[str, int] = {}
    for one in known:
        found |= Counter(row_id for row_id, index, _ in one.lessons.places if index == 0)
    return found


def _first_lacking(row_id: str, lines: Sequence[Lines], reach: Sequence[Reach]) -> int | None:
    # what is open for a later teacher surely goes to one before that has not answered it
    return next((place for place, to in enumerate(reach) if row_id in to.sure and row_id not in lines[place]), None)


def _probed(known: Known) -> set[str]:
    asked = set(known.probed)
    return {row_id for row_id, _, key in known.lessons.places if key in asked}


def _num_answers(known: Known, reach: Reach) -> float:
    waiting = sum(place[0] in reach.open for place in known.lessons.places)
    expected = waiting * reach.share.value if reach.share else 0.0
    return sum(place[0] in reach.sure for place in known.lessons.places) + expected


def _expected(kept: list[float], num_missing: int) -> Range | None:
    if set(kept) <= {0.0, 1.0}:
        return forecast_share(round(sum(kept)), len(kept), num_missing)
    # several answers of a prompt may be kept: a mean, and no share
    return forecast_sum([0.0] * len(kept), kept, [0.0] * num_missing)


def _judge(lines: Lines, sides: Sequence[Sequence[Row]], recipe: Recipe, labels: Sequence[str]) -> FilterResult:
    """Return what the filters say of the rows of `lines` alone, whatever share of them survives."""
    result = FilterResult()
    completions = completions_of(lines, sides[0], recipe, labels)
    # a judge has not heard these answers
    filters = recipe.filters.model_copy(update={"min_success_ratio": 0.0, "min_judge_score": None})
    for side in sides:
        rows = [row for row in side if row["id"] in lines]
        judged = apply(rows, completions, filters, recipe.skill, labels, recipe.mixing)
        result.kept += judged.kept
        result.dropped += judged.dropped
    return result
