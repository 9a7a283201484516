"""Makes the blocks of report.json from the stages' summaries and artifacts, in plain JSON types."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.serving import usd_per_1k_requests
from stillhouse.data.summaries import BalanceSummary, ReadSummary, SplitSummary, ValidateSummary
from stillhouse.dataset.summary import FilterSummary
from stillhouse.evaluation.agreement import same_answer
from stillhouse.evaluation.clusters import clusters_of
from stillhouse.evaluation.comparison import quality
from stillhouse.evaluation.evidence import Evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.scoring import Scoring
from stillhouse.evaluation.significance import confusion
from stillhouse.recipe.data import Role
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.training import Training
from stillhouse.reports.starting_point import starting_block
from stillhouse.skills.registry import METRICS
from stillhouse.skills.skill import Skill
from stillhouse.students.cutting.spec import CutSummary
from stillhouse.students.spec import TrainSummary

_MOST_EXAMPLES = 25


def model_blocks(
    evidence: Evidence,
    names: Mapping[ModelRole, str],
    recipe: Recipe,
    teacher_qualities: Mapping[str, float] | None = None,
) -> dict[ModelRole, dict[str, Any]]:
    """Return the `models` block, without the entry `baseline`; what was not measured is None.

    `teacher_qualities` holds the first metric of each teacher by name, if the recipe's one was chosen as their best.
    """
    scoring = scoring_of(evidence, recipe)
    blocks: dict[ModelRole, dict[str, Any]] = {}
    for model, answers in evidence.answers.items():
        numbers = evidence.measurements.get(model, {})
        blocks[model] = {
            "name": names.get(model, model),
            "quality": quality(answers, scoring),
            "latency_ms": numbers.get("latency_ms"),
            "latency_uncached_ms": numbers.get("latency_uncached_ms"),
            "cost_usd_per_1k_requests": usd_per_1k_requests(numbers, recipe, is_teacher=model == ModelRole.TEACHER),
            "engine": numbers.get("engine", "vLLM"),
            "notes": (*_of_several(model, recipe, teacher_qualities or {}), *numbers.get("notes", ())),
            **{
                name: numbers.get(name)
                for name in (
                    "parameters",
                    "weight_bytes",
                    "peak_memory_bytes",
                    "engine_floor_bytes",
                    "tokens_per_second",
                    "requests_per_second",
                    "prompt_tokens_mean",
                )
            },
        }
    return blocks


def _of_several(model: ModelRole, recipe: Recipe, qualities: Mapping[str, float]) -> tuple[str, ...]:
    if model != ModelRole.TEACHER or not recipe.has_several:
        return ()
    measured = recipe.measured_teacher.display_name
    others = [one.display_name for one in recipe.teachers if one is not recipe.measured_teacher]
    if not qualities:
        named = ", ".join(others)
        return (f"this is {measured}; the student may learn from {named} too, not measured (evaluation.teacher)",)
    metric = METRICS[recipe.evaluation.metrics[0]].label
    beaten = ", ".join(f"{name} {qualities[name]:.3f}" for name in others)
    return (f"this is {measured}, the best of the teachers on the test rows; {metric} of the others: {beaten}",)


def with_baseline(blocks: dict[ModelRole, dict[str, Any]], which: ModelRole | None) -> dict[ModelRole, Any]:
    """Return the blocks with `baseline` as a copy of the better of the two; None if none was measured."""
    baseline = {**blocks[which], "which": which} if which else None
    return {ModelRole.TEACHER: None, ModelRole.STUDENT: None, **blocks, ModelRole.BASELINE: baseline}


def confusion_block(evidence: Evidence, student: ModelRole) -> dict[str, Any]:
    """Return a student's confusion matrix over the labels; unreadable answers add a label of their own."""
    labels = [references[0] for references in evidence.references]
    return confusion(evidence.answers[student], labels, evidence.labels) | {"model": student}


def disagreements(evidence: Evidence, skill: Skill, student: ModelRole) -> list[dict[str, Any]]:
    """Return test rows on which a student and its teacher differ, at most 25, and which of them is right."""

    def is_right(answer: str | None, references: Sequence[str]) -> bool | None:
        return skill.verify(answer, references) if answer is not None else False

    answered = zip(evidence.rows, evidence.answers[ModelRole.TEACHER], evidence.answers[student], strict=True)
    differing = [
        {
            "prompt": skill.as_text(row["messages"]),
            "reference": row["references"][0],
            "teacher": theirs,
            "student": ours,
            "teacher_right": is_right(theirs, row["references"]),
            "student_right": is_right(ours, row["references"]),
        }
        for row, theirs, ours in answered
        if not same_answer(theirs, ours, skill)
    ]
    return differing[:_MOST_EXAMPLES]


def filter_block(summary: FilterSummary) -> dict[str, Any]:
    """Return the `filter` block."""
    names = {"num_in", "kept", "dropped", "undecided", "suspects", "difficulty", "reasoning", "preferences", "balance"}
    block = summary.model_dump(by_alias=True, include=names)
    return block | {"balance": _only(block["balance"], ("before", "after")) if block["balance"] else None}


def mislabelled(path: Path) -> list[dict[str, Any]]:
    """Return the likeliest label errors of a suspects.jsonl, at most 25."""
    with path.open(encoding="utf-8") as stream:
        label_errors = [json.loads(line) for line in islice(stream, _MOST_EXAMPLES)]
    return [
        {
            "label": " or ".join(error["given"]),
            "suggested": error["teacher"],
            **_only(error, ("prompt", "confidence", "score", "id", "source")),
        }
        for error in label_errors
    ]


def data_block(
    sources: Mapping[Role, ReadSummary],
    valid: ValidateSummary,
    splits: SplitSummary,
    train: BalanceSummary,
    dataset: FilterSummary,
) -> dict[str, Any]:
    """Return the `data` block: rows read, quarantined, dropped and kept over all sources."""
    dropped: Counter[str] = Counter(valid.dropped) + Counter(splits.dropped)
    ignored = sum((Counter(source.ignored_turn_keys) for source in sources.values()), Counter[str]())
    return {
        "read": sum(source.read for source in sources.values()),
        "quarantined": sum(sum(source.quarantined.values()) for source in sources.values()),
        "dropped": dict(dropped),
        "dropped_examples": {**valid.examples_dropped, **splits.examples_dropped},
        "train": sum(train.after.values()),
        "validation": splits.validation,
        "validation_own": splits.validation if "validation" in sources else 0,
        "test": splits.test,
        "near_test": splits.near_test,
        "labelled": splits.examples,
        "coverage": dataset.coverage.model_dump() if dataset.coverage else None,
        "ignored_turn_keys": dict(ignored.most_common()),
        "rare_in_test": splits.rare_in_test,
        "one_sided_labels": {side: list(labels) for side, labels in valid.one_sided.items()},
        "balance": {"before": train.before, "after": train.after},
    }


def funnel(
    sources: Mapping[Role, ReadSummary],
    valid: ValidateSummary,
    splits: SplitSummary,
    train: BalanceSummary,
    dataset: FilterSummary,
) -> list[dict[str, Any]]:
    """Return rows in and out of each stage, with the reason of every drop."""
    in_splits = splits.train + splits.validation + splits.test + splits.examples
    return [
        *(_step(f"read {role}", source.read, source.rows, source.quarantined) for role, source in sources.items()),
        _step("validate", valid.num_in, sum(valid.kept.values()), valid.dropped),
        _step("split", splits.num_in, in_splits, splits.dropped),
        _balance_step("balance (train)", train),
        _step("filter (answers)", dataset.num_in, dataset.kept, dataset.dropped),
        *([_balance_step("balance (examples)", dataset.balance)] if dataset.balance else []),
    ]


def generation_block(summary: GenerationSummary, cost_usd: float | None) -> dict[str, Any]:
    """Return the `generation` block; its speed is None if nothing was generated."""
    return {
        **summary.counts(),
        "tokens_per_second": summary.completion_tokens / summary.seconds if summary.seconds else None,
        "cost_usd": cost_usd,
        "redacted": summary.redacted.model_dump() if summary.redacted else None,
    }


def training_block(summary: TrainSummary, training: Training, cut: CutSummary | None = None) -> dict[str, Any]:
    """Return the block of one student's training, with what its cut cost before, if it was cut."""
    names = {"rows", "tokens", "steps", "seconds", "train_loss", "validation_loss", "method", "libraries"}
    soft = training.soft_labels.model_dump() if training.soft_labels else None
    learnt = soft | {"rows": summary.rows_with_soft_label} if soft else None
    second = _second_step(summary, training)
    block = summary.model_dump(include=names) | {"soft_labels": learnt, "logits": _learnt_logits(summary, training)}
    block |= {"cut": starting_block(cut)}
    return block | ({"preferences": second} if second else {})


def _learnt_logits(summary: TrainSummary, training: Training) -> dict[str, Any] | None:
    if training.kind != "logits" or summary.teacher_tokens is None:
        return None
    settings = training.logits.model_dump(exclude={"skew", "teacher_weights"})
    return settings | {"tokens": summary.teacher_tokens, "of": summary.learnt_tokens}


def _second_step(summary: TrainSummary, training: Training) -> dict[str, Any] | None:
    """Return the block of the step on pairs, if there was one."""
    asked = training.preferences
    if asked is None or summary.preferences is None:
        return None
    numbers = summary.preferences.model_dump(exclude={"history", "best_step"})
    return numbers | {"loss": asked.loss, "beta": asked.beta}


def curves(summary: TrainSummary) -> list[dict[str, Any]]:
    """Return the losses of each noted step."""
    return [_only(point, ("step", "train_loss", "validation_loss")) for point in summary.history]


def scoring_of(evidence: Evidence, recipe: Recipe) -> Scoring:
    """Return how the evidence's answers are scored, with the clusters of its rows."""
    rows = clusters_of(evidence.rows)
    return Scoring(evidence.references, evidence.labels, recipe.evaluation, recipe.skill, rows)


def _balance_step(stage: str, counts: BalanceSummary) -> dict[str, Any]:
    before, after = sum(counts.before.values()), sum(counts.after.values())
    removed = before + counts.repeats - after
    return _step(stage, before, after, {"balanced": removed} if removed else {}, added=counts.repeats)


def _step(stage: str, entered: int, out: int, dropped: Mapping[str, int], added: int = 0) -> dict[str, Any]:
    return {"stage": stage, "in": entered, "out": out, "dropped": dict(dropped), "added": added}


def _only(fields: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: fields.get(name) for name in names}
