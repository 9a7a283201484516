"""Exports a registered version, measures each export as its run would have, and registers those that pass."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.evaluation.evidence import Evidence, read_evidence
from stillhouse.exports.spec import ExportSummary
from stillhouse.metrics.metric import Answers
from stillhouse.origin.write import write_statement
from stillhouse.recipe.export import Export
from stillhouse.registry.reference import CHAMPION
from stillhouse.registry.registry import ModelRegistry
from stillhouse.registry.version import ModelVersion, VersionContent
from stillhouse.reports.schema.exports import ExportResult
from stillhouse.reports.schema.report import Report
from stillhouse.serving.record import ServingRecord, serving_record
from tasks.evaluate_export import build_evaluation
from tasks.export import build_export
from tasks.orchestration.run import Run
from tasks.promote import move_champion

log = logging.getLogger("stillhouse")


def export_version(run: Run, version: ModelVersion, entries: Sequence[Export]) -> dict[str, ExportResult]:
    """Return what came of each entry by its key, measured on the test rows of the run that trained the version.

    Raises:
        ModelError: a converter refuses the student.
        StoreError: the version's run, or what it made, is no more in the store.
    """
    left, found = _left_by_its_run(run, version), dict[str, ExportResult]()
    for entry in entries:
        found[entry.key] = _measure(run, entry, build_export(run, entry, version.student, version.kind), left)
    return found


def register_exports(
    run: Run, version: ModelVersion, found: dict[str, ExportResult], move: Callable[..., bool] = move_champion
) -> ModelVersion:
    """Return the version that holds the exports that passed: a new one of the same student, unless it has them already.

    The new one takes the place of the champion, if the version is it; `move` moves the alias.

    Raises:
        StoreError: the registry can't be read or written.
    """
    passed = {
        key: ArtifactRef(stage="export", fingerprint=one.fingerprint)
        for key, one in found.items()
        if one.verdict == "passed" and one.fingerprint
    }
    content = {name: getattr(version, name) for name in VersionContent.model_fields}
    registry = ModelRegistry(run.store)
    new = registry.register(VersionContent(**content | {"exports": {**version.exports, **passed}}), who=f"run {run.id}")
    if new.version == version.version:
        return version
    write_statement(run.store, new)
    log.info("registered as %s", new.reference)
    if registry.aliases(version.name).get(CHAMPION) == version.version:
        why = f"{version.reference} with {', '.join(sorted(passed.keys() - version.exports.keys()))}"
        move(run.store, new, who="export", why=why)
    return new


@dataclass(frozen=True)
class _Left:
    """What the run that trained a version left: its test rows, how they were asked, and what the student answered."""

    version: ModelVersion
    split: ArtifactRef
    record: ServingRecord
    answers: Answers


def _left_by_its_run(run: Run, version: ModelVersion) -> _Left:
    artifacts = json.loads(run.store.read_text(f"runs/{version.run_id}/artifacts.json"))
    report = Report.model_validate_json(run.store.read_text(f"runs/{version.run_id}/report.json"))
    record, split = serving_record(report, version.role), ArtifactRef.model_validate(artifacts["split"])
    measured_in = f"evaluate_encoder {version.role}" if version.kind == "encoder" else "evaluate"
    measured = _evidence(run, split, record, ArtifactRef.model_validate(artifacts[measured_in]))
    return _Left(version, split, record, measured.answers[version.role])


def _measure(run: Run, entry: Export, built: Built[ExportSummary], left: _Left) -> ExportResult:
    # imported here: statistics take a second to load, and the first stage need not wait for them
    from stillhouse.reports.exports import export_measures
    from tasks.reporting.exports import made

    version, role = left.version, left.version.role
    inputs = {"split": left.split, "export": built.ref, "student": version.student}
    evaluated = build_evaluation(run, entry.key, role, left.record.labels, inputs)
    own = _evidence(run, left.split, left.record, evaluated.ref)
    measures = export_measures(own, left.answers, role, evaluated.summary.problems, run.recipe)
    block: dict[str, Any] = {"format": entry.format, "precision": entry.weights, "kind": version.kind, "student": role}
    return ExportResult.model_validate({**block, **made(built), **measures})


def _evidence(run: Run, split: ArtifactRef, record: ServingRecord, measured: ArtifactRef) -> Evidence:
    test = run.store.path(split, "test.parquet")
    return read_evidence(test, [run.store.fetch(measured)], record.labels, run.recipe.skill)
