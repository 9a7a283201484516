"""Builds the report's block of exports out of their stages."""

from collections.abc import Sequence
from typing import Any

from stillhouse.artifacts.handle import Built
from stillhouse.evaluation.evidence import Evidence, read_evidence
from stillhouse.exports.spec import ExportSummary
from stillhouse.exports.verdict import reasons_against
from stillhouse.reports.exports import export_measures
from tasks.evaluate_export import MeasuredExport
from tasks.orchestration.run import Run
from tasks.reporting.inputs import ReportInputs


def exports_of(run: Run, inputs: ReportInputs, evidence: Evidence) -> dict[str, dict[str, Any]]:
    """Return the block of each export by its key; `evidence` has the students' own answers."""
    return {one.exported.entry.key: _block(run, inputs, evidence, one) for one in inputs.exports}


def _block(run: Run, inputs: ReportInputs, evidence: Evidence, one: MeasuredExport) -> dict[str, Any]:
    exported, entry = one.exported, one.exported.entry
    role = exported.student.role
    block: dict[str, Any] = {
        "format": entry.format,
        "precision": entry.weights,
        "kind": exported.student.base.config.kind,
        "student": role,
    }
    if exported.built is None or one.built is None:
        reasons: Sequence[str] = reasons_against([exported.why_not], None, None, run.recipe.gate.exports)
        return {**block, "verdict": "refused", "reasons": reasons}
    test = run.store.path(inputs.rows.splits.ref, "test.parquet")
    own = read_evidence(test, [run.store.fetch(one.built.ref)], inputs.rows.labels, run.recipe.skill)
    measures = export_measures(own, evidence.answers[role], role, one.built.summary.problems, run.recipe)
    return {**block, **made(exported.built), **measures}


def made(built: Built[ExportSummary]) -> dict[str, Any]:
    """Return what a converted export is, as its block has it."""
    sizes = built.summary.model_dump(include={"tools", "size_bytes", "weight_bytes"})
    return {**sizes, "fingerprint": built.ref.fingerprint}
