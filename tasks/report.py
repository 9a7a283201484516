"""Writes the run's report, page and cards, and shows them in Prefect. Rebuilt in every run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq
import yaml
from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from stillhouse.artifacts.handle import Built
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import in_report_order, total
from stillhouse.data.summaries import ReadSummary
from stillhouse.dataset.summary import FilterSummary
from stillhouse.evaluation.alternatives.label_curve import LabelCurveSummary
from stillhouse.evaluation.clusters import Clusters, clusters_of
from stillhouse.evaluation.evidence import Evidence, read_evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.spec import EvaluateSummary
from stillhouse.evaluation.validation_truth import Truth, validation_truth
from stillhouse.inference.models import Checkpoint
from stillhouse.judging.win_rate import tally_each
from stillhouse.recipe.data import Role
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports import collect
from stillhouse.reports.build import build_report, report_json, with_gate
from stillhouse.reports.cards import data_card, model_card
from stillhouse.reports.cascade import Pair, student_certainty
from stillhouse.reports.comparison import comparison_block
from stillhouse.reports.gate import evaluate_gate
from stillhouse.reports.html import render_html
from stillhouse.reports.judged import judge_block
from stillhouse.reports.label_worth import label_worth_of
from stillhouse.reports.ledger import ledger_block
from stillhouse.reports.method import method_statements
from stillhouse.reports.model_names import model_names
from stillhouse.reports.provenance import provenance
from stillhouse.reports.schema.models import Models
from stillhouse.reports.schema.report import Report
from stillhouse.reports.slices import closer_look
from stillhouse.reports.students import best_by_validation, student_blocks, validation_blocks
from stillhouse.reports.tables import comparison_rows, summary_markdown
from stillhouse.reports.teachers import teacher_blocks
from stillhouse.skills.cases import read_cases
from tasks.alternatives import AlternativesSummary
from tasks.balance import Rows
from tasks.gate_event import announce_gate
from tasks.judge import JudgeSummary
from tasks.judge_pairs import JudgePairsSummary
from tasks.mix import Completions
from tasks.orchestration.run import Run
from tasks.orchestration.student_models import StudentModel


@dataclass(frozen=True)
class ReportInputs:
    """The models and the finished stages that a report is made of, in the order of the flow."""

    sources: Mapping[Role, Built[ReadSummary]]
    rows: Rows
    teachers: list[Checkpoint]
    judge: Checkpoint | None
    completions: Completions
    scores: Built[JudgeSummary] | None
    dataset: Built[FilterSummary]
    students: list[StudentModel]
    evaluation: Built[EvaluateSummary]
    encoders: list[Built[EvaluateSummary]]
    alternatives: Built[AlternativesSummary] | None
    label_curve: Built[LabelCurveSummary] | None
    verdicts: Built[JudgePairsSummary] | None


@task(name="report", task_run_name="report", cache_policy=NO_CACHE, persist_result=False)
def write_report(run: Run, inputs: ReportInputs) -> Report:
    """Write report.json, report.html, recipe.yaml and the cards under runs/<run id>/, and return the report.

    Raises:
        RecipeError: a gate rule names no number of the report.
    """
    report = _build(run, inputs)
    files = {
        "report.json": report_json(report),
        "report.html": render_html(report),
        "recipe.yaml": yaml.safe_dump(run.recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
        "model_card.md": model_card(report),
        "data_card.md": data_card(report),
        "artifacts.json": json.dumps({built.label: built.ref.model_dump() for built in run.built}, indent=1),
    }
    for name, text in files.items():
        run.store.put_text(f"runs/{run.id}/{name}", text)
    address = run.settings.report_link(run.id)
    _show(report, address)
    announce_gate(report.gate, run.recipe.name, address)
    return report


def _build(run: Run, inputs: ReportInputs) -> Report:
    recipe, rows, evaluation = run.recipe, inputs.rows, inputs.evaluation
    test = run.store.path(rows.splits.ref, "test.parquet")
    measured = [evaluation, *inputs.encoders, *([inputs.alternatives] if inputs.alternatives else [])]
    main = inputs.students[0]
    evidence = read_evidence(test, [run.store.fetch(one.ref) for one in measured], rows.labels, recipe.skill)
    names = model_names(
        recipe,
        inputs.teachers[recipe.measured_index].model.name,
        [one.base.checkpoint.model.name for one in inputs.students],
    )
    blocks = collect.model_blocks(evidence, names, recipe)
    comparison, which = comparison_block(evidence, blocks, recipe)
    comparison["not_measured"] |= inputs.alternatives.summary.not_measured if inputs.alternatives else {}
    truth = _truth(run, inputs, evidence)
    certainty = _certainty(run, inputs, evidence, blocks, truth)
    comparison |= {name: certainty[main.role][name] for name in ("certainty", "cascade")}
    if why := certainty[main.role]["why_no_cascade"]:
        comparison["not_measured"]["cascade"] = why
    data = {role: source.summary for role, source in inputs.sources.items()}
    stages = (rows.valid.summary, rows.splits.summary, rows.train.summary)
    related = {"teacher": inputs.teachers, "student's base": [main.base.checkpoint]}
    models = collect.with_baseline(_carried(blocks, measured), which)
    known = {role: own | certainty[role] for role, own in _students(run, inputs, truth, names).items()}
    students = student_blocks(evidence, Models.model_validate(models), recipe, known)
    comparison["best_student"] = best_by_validation(students)
    report = build_report(
        run_id=run.id,
        recipe=recipe.model_dump(mode="json"),
        skill=recipe.skill.kind,
        data=collect.data_block(data, *stages, inputs.dataset.summary),
        generation=generation_of(run, inputs.completions, inputs.dataset),
        filter=collect.filter_block(inputs.dataset.summary),
        training=collect.training_block(main.built.summary, recipe.training_of(main.base.config)),
        models=models,
        comparison=comparison,
        students=students,
        stages={built.label: _stage_block(built) for built in run.built},
        method=method_statements(recipe),
        ledger=ledger_block(in_report_order(run.ledger), blocks),
        funnel=collect.funnel(data, *stages, inputs.dataset.summary),
        curves=collect.curves(main.built.summary),
        confusion=collect.confusion_block(evidence) if recipe.skill.has_labels else None,
        judge=judge_report(run, inputs.judge, related, inputs.scores, inputs.verdicts, clusters_of(evidence.rows)),
        label_worth=label_worth_of(run.store, inputs.label_curve, evidence, recipe),
        **closer_look(evidence, recipe),
        disagreements=collect.disagreements(evidence, recipe.skill),
        mislabelled=_mislabelled(run, inputs.dataset),
        licences=_licences(
            recipe, inputs.teachers, has_encoder=ModelRole.ENCODER_LOGISTIC_REGRESSION in evidence.answers
        ),
        provenance=provenance(),
    )
    return with_gate(report, evaluate_gate(report.model_dump(mode="json"), recipe.gate))


def _truth(run: Run, inputs: ReportInputs, evidence: Evidence) -> dict[str, Truth]:
    """Return what counts as right on each validation row."""
    rows = read_cases(run.store.path(inputs.rows.splits.ref, "validation.parquet"), run.recipe.skill)
    return validation_truth(rows, run.store.fetch(inputs.dataset.ref), run.recipe.skill, evidence.labels)


def _certainty(
    run: Run, inputs: ReportInputs, evidence: Evidence, blocks: dict[ModelRole, Any], truth: Mapping[str, Truth]
) -> dict[ModelRole, dict[str, Any]]:
    """Return each student's certainty and cascade, and why it has none."""
    # an encoder's answers are of a stage of their own
    answered = {ModelRole(role): one.ref for one in inputs.encoders for role in one.summary.models}
    found = {}
    for role in (one.role for one in inputs.students):
        folder = run.store.fetch(answered.get(role, inputs.evaluation.ref))
        own, why = student_certainty(run.recipe, evidence, Pair(role, blocks), folder, truth)
        found[role] = own | {"why_no_cascade": why}
    return found


def _stage_block(built: Built[Any]) -> dict[str, Any]:
    return {"seconds": round(built.seconds, 3), "cached": built.is_cached, "fingerprint": built.ref.fingerprint}


def generation_of(run: Run, completions: Completions, dataset: Built[FilterSummary]) -> dict[str, Any]:
    """Return what this run requested of all teachers and, if there are several, of each."""
    recipe = run.recipe
    paid = {line.stage: line.run_usd for line in run.ledger}
    names = [teacher.display_name for teacher in recipe.teachers]
    requested = {name: _of_this_run(completions.by_teacher.get(number)) for number, name in enumerate(names, start=1)}
    costs = {name: paid.get(label, 0.0) for name, label in zip(names, recipe.teachers_by_label, strict=True)}
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


def _of_this_run(built: Built[GenerationSummary] | None) -> GenerationSummary:
    """Return what this run requested: nothing for a cached stage, whatever the run that built it requested."""
    if built is None:
        return GenerationSummary()
    return built.summary.of_cached() if built.is_cached else built.summary


def _mislabelled(run: Run, dataset: Built[FilterSummary]) -> list[dict[str, Any]]:
    return collect.mislabelled(run.store.path(dataset.ref, "suspects.jsonl")) if dataset.summary.suspects else []


def _carried(blocks: Mapping[ModelRole, Any], measured: Sequence[Built[Any]]) -> dict[ModelRole, Any]:
    """Note on every model the fingerprint of its measurement if that was carried from an earlier run."""
    carried = {role: stage.ref.fingerprint for stage in measured if stage.is_cached for role in stage.summary.models}
    answered = {role: found for stage in measured for role, found in getattr(stage.summary, "found", {}).items()}
    return {role: {**block, "fingerprint": (answered | carried).get(role)} for role, block in blocks.items()}


def _students(
    run: Run, inputs: ReportInputs, truth: Mapping[str, Truth], names: Mapping[ModelRole, str]
) -> dict[ModelRole, dict[str, Any]]:
    """Return what the stages say of each student, with its accuracy on the validation rows."""
    folders = [run.store.fetch(one.ref) for one in (inputs.evaluation, *inputs.encoders)]
    validation = validation_blocks(folders, truth, run.recipe.skill)
    return {
        one.role: {
            "name": names[one.role],
            "kind": one.base.config.kind,
            **validation[one.role],
            "export_agreement": getattr(one.built.summary, "agreement", None),
            "training": collect.training_block(one.built.summary, run.recipe.training_of(one.base.config)),
        }
        for one in inputs.students
    }


def _licences(recipe: Recipe, teachers: list[Checkpoint], *, has_encoder: bool) -> dict[str, Any]:
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


def _show(report: Report, link: str) -> None:
    create_table_artifact(table=comparison_rows(report), key="comparison", description="every model on the test rows")
    create_markdown_artifact(markdown=summary_markdown(report), key="summary")
    create_link_artifact(link=link, link_text="report.html", key="report")
