"""How test rows are sliced: by label, length, script, language, and columns that the recipe names."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from stillhouse.data.language import languages_of
from stillhouse.data.row import Row
from stillhouse.dataset.coverage import script_of
from stillhouse.evaluation.agreement import agreement_block
from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.slices import Names, paired_scores, slice_block
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports.collect import scoring_of
from stillhouse.reports.seeds import seed_spreads


def closer_look(evidence: Evidence, recipe: Recipe, role: ModelRole) -> dict[str, Any]:
    """Return the report's `seeds`, `agreement` and `slices`; the last two null without the student `role` or teacher.

    There are no slices either if no metric scores single rows.
    """
    scoring = scoring_of(evidence, recipe)
    student, teacher = (evidence.answers.get(one) for one in (role, ModelRole.TEACHER))
    seeds = {"seeds": seed_spreads(evidence, scoring, recipe)}
    if not student or not teacher:
        return seeds | {"agreement": None, "slices": None}
    scores = paired_scores(student, teacher, scoring)
    return {
        **seeds,
        "agreement": agreement_block(student, teacher, scoring),
        "slices": slice_block(_names(evidence.rows, recipe), scores) if scores else None,
    }


def _names(rows: Sequence[Row], recipe: Recipe) -> dict[str, Names]:
    """Return each row's slice by kind."""
    texts = ["\n".join(turn["content"] for turn in row.get("messages", [])) for row in rows]
    names: dict[str, Names] = {"length": _quartiles([len(text) for text in texts])}
    names["script"] = [script_of(text) for text in texts]
    if recipe.skill.has_labels:
        names["label"] = [row["references"][0] for row in rows]
    if len(recipe.data.languages) > 1:
        names["language"] = languages_of(texts, recipe.data.languages)
    return names | {column: [_value(row, column) for row in rows] for column in recipe.evaluation.slices}


def _quartiles(lengths: Sequence[int]) -> list[str]:
    """Return the name of each length's quartile; fewer than four if many are equal."""
    edges = np.unique(np.quantile(lengths, [0.25, 0.5, 0.75, 1.0], method="inverted_cdf")).astype(int)
    starts = [min(lengths), *(edges[:-1] + 1)]
    names = [f"{start} to {end} characters" for start, end in zip(starts, edges, strict=True)]
    return [names[int(np.searchsorted(edges, length))] for length in lengths]


def _value(row: Row, column: str) -> str | None:
    value = json.loads(row["meta"]).get(column)
    return None if value is None else str(value)
