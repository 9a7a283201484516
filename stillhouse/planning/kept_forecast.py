"""How many answers the filters will keep: those known are judged by the filters themselves, the rest by the probe.

Separate because it runs the real filters on a part of the rows, and must not differ from the stage.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from stillhouse.completions.table import Lines
from stillhouse.costs.forecast import Range, forecast_share, forecast_sum, sum_ranges
from stillhouse.filters.outcome import FilterResult
from stillhouse.filters.pipeline import apply_filters
from stillhouse.planning.judge_forecast import Scored
from stillhouse.planning.probe_result import ProbeResult, completions_of
from stillhouse.planning.routing_forecast import RoutedRows
from stillhouse.planning.snapshot import AnswerSnapshot
from stillhouse.recipe.recipe import Recipe

Scores = Mapping[str, int | None]


def survivors(heard: AnswerSnapshot, scored: Scored | None, recipe: Recipe, labels: Sequence[str]) -> dict[str, Any]:
    """Return {answers: all there will be, kept: Range or None, judged: n, dropped: {reason: n} of those judged}.

    A row is judged once all teachers that it goes to have answered, and a judge that chooses has scored their answers;
    one that is not is forecast from the probed rows of the teacher whose answer it lacks, or from those scored.
    A prompt that got no answer keeps none.
    """
    lacking = _lacking(heard, scored)
    whole = {row_id for row_id, place in lacking.items() if place is None}
    samples = [heard.probed(place) for place in range(len(heard.known))]
    # those that the probe asked in vain keep nothing, and so will others like them
    told = whole | {row_id for place, sample in enumerate(samples) for row_id in sample if lacking[row_id] == place}
    lines = {row_id: found for row_id, found in heard.used.items() if row_id in whole}
    judged = _judge(lines, heard, recipe, labels, scored.scores if scored else {})
    kept = Counter(one.row["id"] for one in judged.kept)
    expected = sum_ranges(
        _expected(
            [kept[row_id] / heard.rows[row_id] for row_id in sorted(sample & told)],
            sum(heard.rows[row_id] for row_id, lacks in lacking.items() if lacks == place),
        )
        for place, sample in enumerate([*samples, heard.sampled & whole or whole])
    )
    return {
        "answers": round(sum(map(_num_answers, heard.known, heard.reach))),
        "kept": None if expected is None else expected.plus(len(judged.kept)),
        "judged": judged.num_in,
        "dropped": judged.counts,
    }


def _lacking(heard: AnswerSnapshot, scored: Scored | None) -> dict[str, int | None]:
    """Return whose word each row lacks first: a teacher's by its place, or the judge's, who stands after them all."""
    if scored is None:
        return dict(heard.lacking)
    unscored = {row_id for row_id, found in heard.used.items() if any(scored.lacks(line["key"]) for line in found)}
    return {
        row_id: len(heard.known) if place is None and row_id in unscored else place
        for row_id, place in heard.lacking.items()
    }


def _num_answers(known: ProbeResult, reach: RoutedRows) -> float:
    waiting = sum(place.row_id in reach.open for place in known.lessons.places)
    expected = waiting * reach.share.value if reach.share else 0.0
    return sum(place.row_id in reach.sure for place in known.lessons.places) + expected


def _expected(kept: list[float], num_missing: int) -> Range | None:
    if set(kept) <= {0.0, 1.0}:
        return forecast_share(round(sum(kept)), len(kept), num_missing)
    # several answers of a prompt may be kept: a mean, and no share
    return forecast_sum([0.0] * len(kept), kept, [0.0] * num_missing)


def _judge(lines: Lines, heard: AnswerSnapshot, recipe: Recipe, labels: Sequence[str], scores: Scores) -> FilterResult:
    """Return what the filters say of the rows of `lines` alone, whatever share of them survives."""
    result = FilterResult()
    completions = completions_of(lines, heard.sides[0], recipe, labels)
    filters = recipe.filters.model_copy(update={"min_success_ratio": 0.0})
    for side in heard.sides:
        rows = [row for row in side if row["id"] in lines]
        judged = apply_filters(rows, completions, filters, recipe.skill, labels, recipe.mixing, scores)
        result.kept += judged.kept
        result.dropped += judged.dropped
    return result
