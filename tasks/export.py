"""Converts a run's student to the formats that the recipe names."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.errors import ModelError
from stillhouse.evaluation.roles import ModelRole
from stillhouse.exports.formats import FORMATS, Kind
from stillhouse.exports.spec import ExportSpec, ExportSummary
from stillhouse.recipe.export import Export
from tasks.orchestration.params import Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.student_models import StudentModel
from tasks.orchestration.workers import Worker, run_engine_worker

log = logging.getLogger("stillhouse")


class ExportParams(Params):
    """What the student is converted to: all of it is identity."""

    format: str
    precision: str
    kind: Kind


@stage("export", version=1, on_device=True)
def export(call: StageCall[ExportParams]) -> ExportSummary:
    """Write the converted model with its tokenizer, its chat template and export.json."""
    params = call.params
    spec = ExportSpec(
        format=params.format,
        precision=params.precision,
        kind=params.kind,
        folder=str(call.folder("student")),
        student=call.inputs["student"],
        out=str(call.work.folder),
    )
    return run_engine_worker(call, Worker.EXPORT, spec, ExportSummary)


@dataclass(frozen=True)
class Exported:
    """One entry of the recipe's `export`, and what came of it."""

    entry: Export
    student: StudentModel
    built: Built[ExportSummary] | None
    why_not: str = ""  # the converter's refusal, if nothing was built


def build_export(run: Run, entry: Export, student: ArtifactRef, kind: Kind) -> Built[ExportSummary]:
    """Return one student in one format.

    Raises:
        ModelError: a package is missing, or the converter refuses the student.
    """
    params = ExportParams(format=entry.format, precision=entry.weights, kind=kind)
    return run.build(export, {"student": student}, params, label=f"export {entry.key}")


def export_student(run: Run, students: Sequence[StudentModel], best: ModelRole) -> list[Exported]:
    """Return the student in each format that the recipe names; a refusal is kept, and ends no run that has trained."""
    found = []
    for entry in run.recipe.export:
        student = _exported(run, entry, students, best)
        try:
            built = build_export(run, entry, student.built.ref, student.base.config.kind)
        except ModelError as error:
            log.error("export %s: %s", entry.key, error)
            found.append(Exported(entry, student, None, str(error)))
        else:
            found.append(Exported(entry, student, built))
    return found


def _exported(run: Run, entry: Export, students: Sequence[StudentModel], best: ModelRole) -> StudentModel:
    """Return the student that the entry names, else the best one, else the first whose kind the format takes."""
    if entry.student:
        return next(one for one in students if one.base.config.display_name == entry.student)
    ordered = sorted(students, key=lambda one: one.role != best)
    fitting = [one for one in ordered if not _refusal(run, entry, one)]
    chosen = fitting[0] if fitting else ordered[0]
    if chosen.role != best and fitting:
        log.info(
            "export %s is of student %s: %s %s",
            entry.key,
            chosen.base.config.display_name,
            entry.format,
            _refusal(run, entry, ordered[0]),
        )
    return chosen


def _refusal(run: Run, entry: Export, student: StudentModel) -> str:
    config = json.loads(run.store.path(student.built.ref, "config.json").read_text(encoding="utf-8"))
    return FORMATS[entry.format].refusal(student.base.config.kind, config.get("model_type", ""), entry.weights)
