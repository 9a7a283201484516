"""Builds the report out of a run's finished stages, and the texts of its files."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from stillhouse.costs.ledger import in_report_order
from stillhouse.evaluation.clusters import clusters_of
from stillhouse.evaluation.evidence import Evidence, read_evidence
from stillhouse.evaluation.roles import ModelRole
from stillhouse.gate.decide import Decided, decide
from stillhouse.gate.looks import count_look, look_of, test_set_of
from stillhouse.recipe.recipe import Recipe
from stillhouse.reports import collect
from stillhouse.reports.build import build_report, report_json, with_gate
from stillhouse.reports.cards import data_card, model_card
from stillhouse.reports.collect import scoring_of
from stillhouse.reports.comparison import comparison_block
from stillhouse.reports.html import render_html
from stillhouse.reports.label_worth import label_worth_of
from stillhouse.reports.ledger import ledger_block
from stillhouse.reports.method import method_statements
from stillhouse.reports.model_names import model_names
from stillhouse.reports.provenance import provenance
from stillhouse.reports.rounds import rounds_block
from stillhouse.reports.schema.gate import Gate, Looks
from stillhouse.reports.schema.models import Models
from stillhouse.reports.schema.report import Report
from stillhouse.reports.slices import closer_look
from stillhouse.reports.students import best_by_validation, student_blocks
from tasks.orchestration.run import Run
from tasks.reporting.best_student import truth_of
from tasks.reporting.blocks import (
    certainty_of,
    generation_of,
    judge_report,
    licences_of,
    mislabelled_of,
    stage_block,
    students_of,
    with_fingerprints,
)
from tasks.reporting.exports import exports_of
from tasks.reporting.inputs import ReportInputs


def build(run: Run, inputs: ReportInputs) -> Report:
    """Return the run's report, its gate decided.

    Raises:
        RecipeError: a gate rule names no number of the report.
    """
    # it names the teacher of the comparison; the run's own may name none
    recipe, rows = inputs.compared.recipe, inputs.rows
    measured = inputs.measured
    test = run.store.path(rows.splits.ref, "test.parquet")
    evidence = read_evidence(test, [run.store.fetch(one.ref) for one in measured], rows.labels, recipe.skill)
    champion = inputs.champion
    if champion.same_as:
        # its answers are the champion's: neither is asked or timed twice
        evidence = evidence.with_same(ModelRole.CHAMPION, champion.same_as)
    names = model_names(
        recipe,
        inputs.compared.checkpoint.model.name,
        [one.base.checkpoint.model.name for one in inputs.students],
    )
    if champion.version:
        names[ModelRole.CHAMPION] = champion.version.reference
    blocks = collect.model_blocks(evidence, names, recipe, inputs.compared.qualities)
    if champion.same_as:
        blocks[ModelRole.CHAMPION]["which"] = champion.same_as
    truth = truth_of(run, rows, inputs.dataset)
    known = students_of(run, inputs, truth, names)
    certainty = certainty_of(run, inputs, evidence, blocks, truth)
    compared = inputs.student(inputs.best)
    comparison, which = comparison_block(evidence, blocks, recipe, compared.role)
    comparison |= {"best_student": best_by_validation(known), **_certainty(certainty[compared.role])}
    comparison["not_measured"] |= _not_measured(inputs, certainty[compared.role])
    data = {role: source.summary for role, source in inputs.sources.items()}
    stages = (rows.valid.summary, rows.splits.summary, rows.train.summary)
    related = {"teacher": inputs.teachers, "student's base": [inputs.students[0].base.checkpoint]}
    models = collect.with_baseline(with_fingerprints(blocks, measured), which)
    known = {role: own | certainty[role] for role, own in known.items()}
    report = build_report(
        run_id=run.id,
        recipe=run.recipe.model_dump(mode="json"),
        skill=recipe.skill.kind,
        data=collect.data_block(data, *stages, inputs.dataset.summary),
        generation=generation_of(run, inputs.completions, inputs.dataset),
        filter=collect.filter_block(inputs.dataset.summary),
        training=known[compared.role]["training"],
        models=models,
        comparison=comparison,
        students=student_blocks(evidence, Models.model_validate(models), recipe, known),
        stages={built.label: stage_block(built) for built in run.built},
        method=method_statements(recipe, inputs.compared.qualities),
        ledger=ledger_block(in_report_order(run.ledger), blocks, compared.role),
        funnel=collect.funnel(data, *stages, inputs.dataset.summary),
        curves=collect.curves(compared.built.summary),
        confusion=collect.confusion_block(evidence, compared.role) if recipe.skill.has_labels else None,
        judge=judge_report(run, inputs.judge, related, inputs.scores, inputs.verdicts, clusters_of(evidence.rows)),
        exports=exports_of(run, inputs, evidence),
        rounds=rounds_block(inputs.completions.rounds, recipe),
        label_worth=label_worth_of(run.store, inputs.label_curve, evidence, recipe, compared.role),
        **closer_look(evidence, recipe, compared.role),
        disagreements=collect.disagreements(evidence, recipe.skill, compared.role),
        mislabelled=mislabelled_of(run, inputs.dataset),
        sweep=run.sweep,
        licences=licences_of(
            recipe, inputs.teachers, has_encoder=ModelRole.ENCODER_LOGISTIC_REGRESSION in evidence.answers
        ),
        provenance=provenance(),
    )
    return with_gate(report, _decide(run, report, evidence, recipe))


def _decide(run: Run, report: Report, evidence: Evidence, recipe: Recipe) -> Gate:
    """Return the gate's decision; it counts as a look at the test set, unless a run before was the same."""
    decided = Decided(report.model_dump(mode="json"), evidence.answers, scoring_of(evidence, recipe))
    student = evidence.answers[report.comparison.student]

    def count() -> Looks:
        look, alpha = look_of(evidence.rows, student), 1 - recipe.evaluation.confidence
        return count_look(run.store, test_set_of(evidence.rows), look, run.id, alpha)

    return decide(decided, recipe.gate, count)


def _certainty(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("certainty", "cascade")}


def _not_measured(inputs: ReportInputs, certainty: Mapping[str, Any]) -> dict[str, str]:
    """Return why alternatives and the cascade were not measured, by their names."""
    why = inputs.alternatives.summary.not_measured if inputs.alternatives else {}
    why = {**why, **inputs.champion.not_measured}
    return {**why, "cascade": certainty["why_no_cascade"]} if certainty["why_no_cascade"] else why


def files_of(run: Run, report: Report) -> dict[str, str]:
    """Return the texts of the files of a run, by name."""
    return {
        "report.json": report_json(report),
        "report.html": render_html(report),
        "recipe.yaml": yaml.safe_dump(run.recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
        "model_card.md": model_card(report),
        "data_card.md": data_card(report),
        "artifacts.json": json.dumps({built.label: built.ref.model_dump() for built in run.built}, indent=1),
    }
