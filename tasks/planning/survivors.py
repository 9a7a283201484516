"""How many answers the filters will keep: those known are judged by the filters themselves, the rest by the probe.

Separate because it runs the real filters on a part of the rows, and must not differ from the stage.
"""

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tasks.costs.forecast import Range, forecast_share, forecast_sum
from tasks.filters.answered import answered, priors_of
from tasks.filters.apply import apply
from tasks.filters.result import FilterResult
from tasks.planning.known import Known, answered_places
from tasks.recipe.recipe import Recipe
from tasks.skills.rows import read_cases
from tasks.teachers.answers import read_answers
from tasks.teachers.probe import Place


def survivors(known: Known, recipe: Recipe, labels: Sequence[str], balance: Path, split: Path) -> dict[str, Any]:
    """Return {answers: all there will be, kept: Range or None, judged: n, dropped: {reason: n} of those judged}."""
    places = answered_places(known.lessons)
    judged = _judge(known, places, recipe, labels, (balance / "train.parquet", split / "validation.parquet"))
    kept = Counter(one["row"]["id"] for one in judged.kept)
    # a row that balancing repeats stands there as often
    rows = Counter(row_id for row_id, index, _ in known.lessons.places if index == 0)
    have = {row_id for row_id, _, _ in places}
    num_missing = sum(number for row_id, number in rows.items() if row_id not in have)
    asked = set(known.probed)
    probed = sorted({row_id for row_id, _, key in places if key in asked})
    expected = _expected([kept[row_id] / rows[row_id] for row_id in probed], num_missing)
    return {
        "answers": len(known.lessons.places),
        "kept": None if expected is None else expected.plus(len(judged.kept)),
        "judged": judged.num_in,
        "dropped": judged.counts,
    }


def _expected(kept: list[float], num_missing: int) -> Range | None:
    if set(kept) <= {0.0, 1.0}:
        return forecast_share(round(sum(kept)), len(kept), num_missing)
    # several answers of a prompt may be kept: a mean, and no share
    return forecast_sum([0.0] * len(kept), kept, [0.0] * num_missing)


def _judge(
    known: Known, places: Sequence[Place], recipe: Recipe, labels: Sequence[str], tables: Sequence[Path]
) -> FilterResult:
    """Return what the filters say of the rows of `places` alone, whatever share of them survives."""
    result = FilterResult()
    if not places:
        return result
    with tempfile.TemporaryDirectory(prefix="stillhouse-plan-") as folder:
        table = Path(folder) / "completions.parquet"
        known.answers.write(iter(places), table)
        lines = read_answers(table)
    sides = [[row for row in read_cases(path, recipe.skill) if row["id"] in lines] for path in tables]
    completions = answered(
        lines, priors_of([recipe.teacher.calibration if sides[0] else "none"], sides[0], lines), labels
    )
    # a judge has not heard these answers
    filters = recipe.filters.model_copy(update={"min_success_ratio": 0.0, "min_judge_score": None})
    for rows in sides:
        judged = apply(rows, completions, filters, recipe.skill, labels)
        result.kept += judged.kept
        result.dropped += judged.dropped
    return result
