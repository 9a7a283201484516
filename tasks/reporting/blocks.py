"""The blocks of the report that need the store, or what single stages say."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow.parquet as pq

from stillhouse.artifacts.handle import Built
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import total
from stillhouse.dataset.summary import FilterSummary
from stillhouse.evaluation.clusters import Clusters
from stillhouse.evaluation.evidence import VALIDATION, Evidence, read_scored
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.validation_truth import Truth
from stillhouse.inference.models import Checkpoint
from stillhouse.judging.win_rate import tally_each
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports import collect
from stillhouse.reports.cascade import Pair, student_certainty
from stillhouse.reports.judged import judge_block
from stillhouse.reports.students import validation_blocks
from stillhouse.reports.teachers import teacher_blocks
from tasks.judge import JudgeSummary
from tasks.judge_pairs import JudgePairsSummary
from tasks.mix import Completions
from tasks.orchestration.run import Run
from tasks.orchestration.student_models import StudentModel
from tasks.reporting.inputs import ReportInputs


def certainty_of(
    run: Run, inputs: ReportInputs, evidence: Evidence, blocks: dict[ModelRole, Any], truth: Mapping[str, Truth]
) -> dict[ModelRole, dict[str, Any]]:
    """Return each student's certainty and cascade, and why it has none."""
    # an encoder's answers are of a stage of their own
    answered = {ModelRole(role): one.ref for one in inputs.encoders for role in one.summary.models}
    on_validation = read_scored(run.store.fetch(inputs.evaluation.ref) / VALIDATION).get(ModelRole.TEACHER, {})
    found = {}
    for role in (one.role for one in inputs.students):
        folder = run.store.fetch(answered.get(role, inputs.evaluation.ref))
        own, why = student_certainty(run.recipe, evidence, Pair(role, blocks, on_validation), folder, truth)
        found[role] = own | {"why_no_cascade": why}
    return found


def generation_of(run: Run, completions: Completions, dataset: Built[FilterSummary]) -> dict[str, Any]:
    """Return what this run requested of all teachers and, if there are several, of each."""
    recipe = run.recipe
    paid = {line.stage: line.run_usd for line in run.ledger}
    names = [teacher.display_name for teacher in recipe.teachers]
    built = {name: completions.by_teacher.get(number, ()) for number, name in enumerate(names, start=1)}
    requested = {name: _sum_of_this_run(found) for name, found in built.items()}
    costs = {name: total(paid.get(one.label, 0.0) for one in found) for name, found in built.items()}
    block = collect.generation_block(sum(requested.values(), GenerationSummary()), total(costs.values()))
    if not recipe.has_several:
        return block
    assert dataset.summary.teachers is not None, "the filters count by teacher if there are several"
    filtered = [dataset.summary.teachers[str(number)] for number in range(1, len(names) + 1)]
    return block | {"teachers": teacher_blocks(requested, costs, filtered)}


def judge_report(
    run: Run,
    judge: Checkpoint | None,
    related: Mapping[str, list[Checkpoint]],
    scores: Built[JudgeSummary] | None,
    verdicts: Built[JudgePairsSummary] | None,
    clusters: Clusters | None = None,
) -> dict[str, Any] | None:
    """Return the report's `judge` block, if there is one; `related` holds the models behind the answers by role."""
    if judge is None or run.recipe.judge is None:
        return None
    lines = pq.read_table(run.store.path(verdicts.ref, "pairs.parquet")).to_pylist() if verdicts else []
    return judge_block(
        run.recipe.judge,
        judge.model.name,
        tally_each(lines, run.recipe.evaluation, clusters),
        _of_this_run(verdicts) if verdicts else None,
        _of_this_run(scores).to_record() if scores else None,
        [role for role, models in related.items() if any(judge.is_same_model(model) for model in models)],
    )


def _sum_of_this_run(built: Sequence[Built[GenerationSummary]]) -> GenerationSummary:
    """Return what this run requested of one teacher, in all of its rounds."""
    return sum(map(_of_this_run, built), GenerationSummary())


def _of_this_run(built: Built[GenerationSummary] | None) -> GenerationSummary:
    """Return what this run requested: nothing for a cached stage, whatever the run that built it requested."""
    if built is None:
        return GenerationSummary()
    return built.summary.of_cached() if built.is_cached else built.summary


def mislabelled_of(run: Run, dataset: Built[FilterSummary]) -> list[dict[str, Any]]:
    """Return the likeliest label errors that the filters found."""
    return collect.mislabelled(run.store.path(dataset.ref, "suspects.jsonl")) if dataset.summary.suspects else []


def with_fingerprints(blocks: Mapping[ModelRole, Any], measured: Sequence[Built[Any]]) -> dict[ModelRole, Any]:
    """Note on every model the fingerprint of its measurement if that was carried from an earlier run."""
    carried = {role: stage.ref.fingerprint for stage in measured if stage.is_cached for role in stage.summary.models}
    answered = {role: found for stage in measured for role, found in getattr(stage.summary, "found", {}).items()}
    return {role: {**block, "fingerprint": (answered | carried).get(role)} for role, block in blocks.items()}


def students_of(
    run: Run, inputs: ReportInputs, truth: Mapping[str, Truth], names: Mapping[ModelRole, str]
) -> dict[ModelRole, dict[str, Any]]:
    """Return what the stages say of each student, with its accuracy on the validation rows."""
    folders = [run.store.fetch(one.ref) for one in (inputs.evaluation, *inputs.encoders)]
    validation = validation_blocks(folders, truth, run.recipe, inputs.rows.labels)
    return {
        one.role: {
            "name": names[one.role],
            "kind": one.base.config.kind,
            **validation[one.role],
            "export_agreement": getattr(one.built.summary, "agreement", None),
            "training": collect.training_block(
                one.built.summary,
                run.recipe.training_of(one.base.config),
                one.base.cut.summary if one.base.cut else None,
            ),
        }
        for one in inputs.students
    }


def _training_of(run: Run, student: StudentModel) -> dict[str, Any]:
    base = student.base
    cut = base.cut.summary if base.cut else None
    return collect.training_block(student.built.summary, run.recipe.training_of(base.config), cut)


def licences_of(recipe: Recipe, teachers: list[Checkpoint], *, has_encoder: bool) -> dict[str, Any]:
    """Return the `licences` block; `has_encoder`: whether the recipe's sentence encoder was measured."""
    return {
        "data": {role: source.licence for role, source in recipe.data.sources.items()},
        "teacher": recipe.teacher.licence,
        "accepted_terms": recipe.teacher.accept_terms,
        "student_base": recipe.main_student.licence,
        "student_bases": {student.display_name: student.licence for student in recipe.students[1:]},
        "teachers": [
            {
                "name": config.display_name,
                "model": teacher.model.name,
                "licence": config.licence,
                "accepted_terms": config.accept_terms,
            }
            for config, teacher in zip(recipe.teachers, teachers, strict=True)
            if recipe.has_several
        ],
        "encoder": recipe.evaluation.encoder.licence if has_encoder and recipe.evaluation.encoder else None,
        "judge": recipe.judge.licence if recipe.judge else None,
        "judge_accepted_terms": recipe.judge.accept_terms if recipe.judge else "",
    }


def stage_block(built: Built[Any]) -> dict[str, Any]:
    """Return one entry of the `stages` block."""
    return {"seconds": round(built.seconds, 3), "cached": built.is_cached, "fingerprint": built.ref.fingerprint}
