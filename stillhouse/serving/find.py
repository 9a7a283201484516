"""Finds the model that a server is to serve: a registered one, a run's student, or a folder pulled from the store."""

import json
from pathlib import Path

from pydantic import ValidationError

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store
from stillhouse.config import StrictModel
from stillhouse.errors import ModelError, StoreError
from stillhouse.evaluation.roles import STUDENTS, ModelRole
from stillhouse.exports.manifest import MANIFEST, read_manifest
from stillhouse.registry.reference import SCHEME
from stillhouse.registry.registry import ModelRegistry
from stillhouse.registry.version import ModelVersion
from stillhouse.reports.history import find_run
from stillhouse.reports.schema.report import Report
from stillhouse.serving.record import ServingRecord, read_record, serving_record
from stillhouse.serving.spec import EngineKind

OF_A_RUN = "runs:/"


class Found(StrictModel):
    """A model on this machine, with what its evaluation knew."""

    name: str
    version: str  # of the registry, or a run's id; empty for a folder
    served: str  # what clients may call it besides its name
    folder: str
    record: ServingRecord
    engine: EngineKind
    engine_name: str = ""  # of an export
    examples: str | None  # Parquet file of the labelled rows that its teacher's prompt may show


def find_model(named: str, store: Store, export: str = "") -> Found:
    """Return the model that `named` means: NAME@alias, NAME/3, runs:/RUN_ID, or a folder with its record.

    `export` names one of its exports, by the report's key or by its format alone; empty takes the student itself.

    Raises:
        ModelError: there is no such model, or nobody knows how it was measured.
        StoreError: the store can't be read.
    """
    folder = Path(named).expanduser()
    is_registered = not named.startswith(OF_A_RUN) and not folder.is_dir()
    if export and not is_registered:
        raise ModelError(
            f"--format {export}: exports are served by a model's version, as NAME@champion, and not {named}."
        )
    if named.startswith(OF_A_RUN):
        report = read_report(store, find_run(store, named.removeprefix(OF_A_RUN)))
        record = serving_record(report)
        return _found(store, report, record, version=report.run_id, student=_student_of(store, report, record.role))
    if folder.is_dir():
        return _in_folder(folder.absolute())
    if named.startswith((".", "/", "~")):
        raise ModelError(f"There is no folder {named}. Name one that was pulled from the store, or NAME@champion.")
    version = ModelRegistry(store).find(named)
    report = read_report(store, version.run_id)
    record = serving_record(report, version.role).model_copy(update={"model": version.name})
    student = _export_of(version, export) if export else version.student
    found = _found(store, report, record, version=str(version.version), student=student)
    return found.model_copy(update={"served": named.removeprefix(SCHEME)})


def read_report(store: Store, run_id: str) -> Report:
    """Return the report of a run.

    Raises:
        ModelError: the store has no such run, or its report is of another version.
    """
    try:
        return Report.model_validate_json(store.read_text(f"runs/{run_id}/report.json"))
    except StoreError as error:
        raise ModelError(f"{OF_A_RUN}{run_id}: {error}. `stillhouse runs list` shows the finished runs.") from error
    except ValidationError as error:
        raise ModelError(
            f"{OF_A_RUN}{run_id}: its report is of another version of Stillhouse ({error.error_count()} fields "
            "differ). Run its recipe again."
        ) from error


def _in_folder(folder: Path) -> Found:
    record = read_record(folder)
    kind, engine = engine_of(folder, record)
    return Found(
        name=record.model,
        version="",
        served=record.model,
        folder=str(folder),
        record=record,
        engine=kind,
        engine_name=engine,
        examples=None,
    )


def engine_of(folder: Path, record: ServingRecord) -> tuple[EngineKind, str]:
    """Return what serves a student's folder, or an export's by what its manifest says, and that engine's name.

    Raises:
        ModelError: the manifest can't be read.
    """
    of_student: EngineKind = "encoder" if record.kind == "encoder" else "vllm"
    if not (folder / MANIFEST).is_file():
        return of_student, ""
    manifest = read_manifest(folder)
    # vLLM loads these as it loads the student
    if manifest.kind == "causal_lm" and manifest.format in ("safetensors", "vllm"):
        return "vllm", ""
    return "export", manifest.described.engine


def _export_of(version: ModelVersion, named: str) -> ArtifactRef:
    meant = [key for key in version.exports if named in (key, key.partition("-")[0])]
    if len(meant) == 1:
        return version.exports[meant[0]]
    known = ", ".join(sorted(version.exports)) or "none"
    several = f" means {', '.join(sorted(meant))}" if meant else " is none of its exports"
    raise ModelError(f"{version.reference}: --format {named}{several}. It has {known}.")


def _found(store: Store, report: Report, record: ServingRecord, *, version: str, student: ArtifactRef) -> Found:
    """Return a student of a run, fetched to this machine with the rows that its teacher is shown."""
    examples = None
    if record.teacher.prompt.examples:
        examples = str(store.path(_artifacts(store, report)["split"], "examples.parquet"))
    folder = store.fetch(student)
    kind, engine = engine_of(folder, record)
    return Found(
        name=record.model,
        version=version,
        served=f"{OF_A_RUN}{report.run_id}",
        folder=str(folder),
        record=record,
        engine=kind,
        engine_name=engine,
        examples=examples,
    )


def _student_of(store: Store, report: Report, role: ModelRole) -> ArtifactRef:
    artifacts, label = _artifacts(store, report), _label(role, report)
    if label not in artifacts:
        raise ModelError(f"{OF_A_RUN}{report.run_id}: that run trained no {role}. Name another run.")
    return artifacts[label]


def _artifacts(store: Store, report: Report) -> dict[str, ArtifactRef]:
    listed = json.loads(store.read_text(f"runs/{report.run_id}/artifacts.json"))
    return {label: ArtifactRef.model_validate(ref) for label, ref in listed.items()}


def _label(role: ModelRole, report: Report) -> str:
    """Return what the stage that trained a student is called in its run."""
    if role is STUDENTS[0]:
        return "train"
    student = report.recipe["students"][STUDENTS.index(role)]
    return f"train {student['name'] or Path(student['model']).stem}"
