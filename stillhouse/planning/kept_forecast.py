"""How many completions the filters will keep: the real filters judge those known, the probe tells of the rest."""

from collections import Counter
from collections.abc import Sequence

from stillhouse.costs.forecast import Range, forecast_share, forecast_sum, sum_ranges
from stillhouse.filters.outcome import FilterResult, merge_results
from stillhouse.filters.pipeline import apply_filters
from stillhouse.planning.inputs import PlanInputs, RoutedRows
from stillhouse.planning.probe_result import ProbeResult
from stillhouse.planning.remaining import Frozen


class Survivors(Frozen):
    """What the filters will keep of all completions."""

    answers: int  # completions in all
    kept: Range | None
    judged: int  # known completions that the filters judged
    dropped: dict[str, int]  # of those judged, by reason


def forecast_kept(inputs: PlanInputs) -> Survivors:
    """Return how many completions there will be, and how many are kept.

    A row is judged once it has the completions of all its teachers, and their scores if a judge chooses. An incomplete
    row is forecast from probed rows: those of the teacher whose completion it lacks first, or the scored ones.
    A prompt without a completion keeps none.
    """
    lacking = inputs.first_lacking
    complete = {row_id for row_id, index in lacking.items() if index is None}
    result = _filter(complete, inputs)
    num_kept = Counter(one.row["id"] for one in result.kept)
    samples = [probe.probed_rows for probe in inputs.probes]
    # a probed row that its teacher failed keeps nothing, and so will others like it
    failed = {row_id for index, sample in enumerate(samples) for row_id in sample if lacking[row_id] == index}
    expected = sum_ranges(
        _expected(
            [num_kept[row_id] / inputs.num_repeats[row_id] for row_id in sorted(sample & (complete | failed))],
            sum(inputs.num_repeats[row_id] for row_id, lacks in lacking.items() if lacks == index),
        )
        for index, sample in enumerate([*samples, inputs.sampled_rows & complete or complete])
    )
    return Survivors(
        answers=round(sum(map(_num_completions, inputs.probes, inputs.routed))),
        kept=None if expected is None else expected.plus(len(result.kept)),
        judged=result.num_in,
        dropped=result.counts,
    )


def _filter(complete: set[str], inputs: PlanInputs) -> FilterResult:
    """Return the filters' result for the rows `complete` alone, however few of them survive."""
    recipe = inputs.recipe
    lines = {row_id: own for row_id, own in inputs.used_lines.items() if row_id in complete}
    completions = inputs.completions_of(lines)
    filters = recipe.filters.model_copy(update={"min_success_ratio": 0.0})
    splits = [[row for row in split if row["id"] in lines] for split in inputs.splits]
    return merge_results(
        apply_filters(rows, completions, filters, recipe.skill, inputs.labels, recipe.mixing, inputs.scores)
        for rows in splits
    )


def _expected(kept: Sequence[float], num_missing: int) -> Range | None:
    if set(kept) <= {0.0, 1.0}:
        return forecast_share(round(sum(kept)), len(kept), num_missing)
    # a prompt may keep several completions: a mean, not a share
    return forecast_sum([0.0] * len(kept), kept, [0.0] * num_missing)


def _num_completions(probe: ProbeResult, routed: RoutedRows) -> float:
    num_open = sum(len(keys) for row_id, keys in probe.requests.rows.items() if row_id in routed.open)
    num_sure = sum(len(keys) for row_id, keys in probe.requests.rows.items() if row_id in routed.sure)
    return num_sure + (num_open * routed.share.value if routed.share else 0.0)
