"""Keeps the answers worth training on and writes the student's rows."""

from typing import Any

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.dataset.build import DatasetSpec, write_dataset
from stillhouse.judging.scores import read_scores
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


@stage("filter", version=1)
def filter_stage(call: StageCall) -> dict[str, Any]:
    """Write train.jsonl, validation.jsonl, labelled.jsonl, dropped.jsonl and calibration.json."""
    spec = DatasetSpec(
        filters=call.execution["filters"],
        skill=call.execution["skill"],
        labels=tuple(call.identity["labels"]),
        calibrations=(call.identity["calibration"], *call.identity.get("other_calibrations", ())),
        use_references=call.identity["use_references"],
        mixing=call.execution["mixing"],
    )
    return write_dataset(
        spec,
        train=call.folder("balance") / "train.parquet",
        split=call.folder("split"),
        completions=call.folder("generate") / "completions.parquet",
        out=call.work.folder,
        scores=read_scores(call.folder("judge") / "scores.parquet") if "judge" in call.inputs else {},
    )


def filter_completions(
    run: Run, answers: ArtifactRef, sides: ArtifactRef, balanced: ArtifactRef, scores: ArtifactRef | None = None
) -> ArtifactRef:
    """Return the student's training, validation and labelled rows; `scores` are a judge's of the answers.

    Raises:
        QualityError: fewer answers survive than the recipe allows.
    """
    recipe = run.recipe
    identity = {
        "filters": recipe.filters,
        "calibration": recipe.teacher.calibration,
        "skill": recipe.skill,
        "labels": run.summary("validate")["labels"],
        "use_references": recipe.training.use_references,
    }
    if recipe.has_several:
        others = [teacher.calibration for teacher in recipe.teachers[1:]]
        identity |= {"other_calibrations": others, "mixing": recipe.mixing}
    inputs = {"generate": answers, "split": sides, "balance": balanced, **({"judge": scores} if scores else {})}
    return run.build(filter_stage, inputs, identity, filters=recipe.filters, skill=recipe.skill, mixing=recipe.mixing)
