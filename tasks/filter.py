"""Keeps the completions worth training on and writes the student's rows."""

from collections.abc import Mapping
from typing import Any

from stillhouse.artifacts.handle import Built
from stillhouse.config import optional_identity
from stillhouse.dataset.asked import read_asked
from stillhouse.dataset.second_opinion import OPINIONS, read_opinions
from stillhouse.dataset.spec import DatasetSpec
from stillhouse.dataset.summary import FilterSummary
from stillhouse.judging.scores import read_scores
from stillhouse.recipe.recipe import Recipe
from tasks.balance import Rows
from tasks.mix import Completions
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage

NO_DRAWS: Mapping[int, Built[Any]] = {}


class FilterParams(DatasetSpec, Params):
    """What decides which rows a student is trained on: all of it is identity."""

    other_priors: bool = optional_identity(False, "calibration.json holds those of other teachers than the first")
    target_version: int = optional_identity(1, "of what the skill makes of an answer for the student")


@stage("filter", version=5)
def filter(call: StageCall[FilterParams]) -> FilterSummary:
    """Write train.jsonl, validation.jsonl, labelled.jsonl, dropped.jsonl, calibration.json, and pairs if asked for."""
    # imported here: a run that finds its artifact need not wait for polars
    from stillhouse.dataset.build import write_dataset

    return write_dataset(
        call.params,
        train=call.folder("balance") / "train.parquet",
        split=call.folder("split"),
        completions=call.folder("generate") / "completions.parquet",
        out=call.work.folder,
        scores=read_scores(call.folder("judge") / "scores.parquet") if "judge" in call.inputs else {},
        opinions=read_opinions(call.folder("second_opinion") / OPINIONS) if "second_opinion" in call.inputs else {},
        store=call.settings.store,
        draws=[call.folder(name) / "draws.parquet" for name in call.inputs if name.startswith("draw_")],
        asked=read_asked(call.folder("generate")),
    )


def filter_completions(
    run: Run,
    completions: Completions,
    rows: Rows,
    scores: Built[Any] | None = None,
    opinions: Built[Any] | None = None,
    draws: Mapping[int, Built[Any]] = NO_DRAWS,
    label: str = "filter",
) -> Built[FilterSummary]:
    """Return the student's training, validation and labelled rows.

    `scores` are a judge's of the completions, `opinions` a classifier's of the prompts, `draws` each teacher's tokens.
    Of several rounds each has a `label` of its own.

    Raises:
        QualityError: fewer completions survive than the recipe allows.
    """
    params = filter_params(run.recipe, rows.labels, token_draws=bool(draws))
    drawn = {f"draw_{number}": built for number, built in draws.items()}
    others = {"judge": scores, "second_opinion": opinions, **drawn}
    inputs = {name: built.ref if built else None for name, built in others.items()}
    return run.build(filter, {"generate": completions.ref, **rows.inputs, **inputs}, params, label=label)


def filter_params(recipe: Recipe, labels: tuple[str, ...], *, token_draws: bool = False) -> FilterParams:
    """Return what decides which rows a student of the recipe is trained on."""
    return FilterParams(
        filters=recipe.filters,
        calibration=recipe.teacher.calibration,
        skill=recipe.skill,
        labels=labels,
        use_references=recipe.training.use_references,
        other_calibrations=tuple(other.calibration for other in recipe.teachers[1:]) if recipe.has_several else None,
        mixing=recipe.mixing if recipe.has_several else None,
        balance=recipe.data.balance if recipe.data.balance.by == "label" else None,
        reasoning=recipe.training.reasoning,
        reasoning_mix=recipe.training.reasoning_mix if recipe.training.reasoning == "mix" else None,
        pairs=recipe.pairs,
        label_probabilities=recipe.learns_probabilities,
        top_logprobs=recipe.top_logprobs,
        token_draws=token_draws,
        other_priors=any(other.calibration == "batch" for other in recipe.teachers[1:]),
        target_version=recipe.skill.target_version,
        opinion_weight=recipe.second_opinion.weight if recipe.second_opinion else 0.0,
    )
