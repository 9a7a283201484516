"""Registers a run's student in the store's registry of models, as a version and as the challenger."""

import logging
from collections.abc import Mapping, Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.registry.reference import CHALLENGER
from stillhouse.registry.registry import ModelRegistry
from stillhouse.registry.version import ModelVersion, VersionContent
from stillhouse.reports.schema.report import Report
from tasks.orchestration.run import Run
from tasks.orchestration.student_models import StudentModel

log = logging.getLogger("stillhouse")

NO_EXPORTS: Mapping[str, ArtifactRef] = {}
_CARDS = ("model_card.md", "data_card.md")


@task(name="register", task_run_name="register", cache_policy=NO_CACHE, persist_result=False)
def register_student(
    run: Run, report: Report, students: Sequence[StudentModel], exports: Mapping[str, ArtifactRef] = NO_EXPORTS
) -> ModelVersion:
    """Return the version of the student that `report` is about; a run on the same student finds the same version.

    It becomes the challenger, unless it is the champion. `exports` are its converted folders by the report's keys.

    Raises:
        StoreError: the registry can't be read or written.
    """
    registry, who = ModelRegistry(run.store), f"run {run.id}"
    if not run.store.excludes_others:
        log.warning(
            "this S3 server has no conditional writes: if two machines move aliases of %s in the same second, one move "
            "may be lost",
            run.recipe.name,
        )
    version = registry.register(_content(run, report, students, exports), who=who)
    champion = registry.champion(version.name)
    if champion is None or champion.version != version.version:
        why = f"newest student, gate {version.gate or 'not set'}"
        registry.promote(version.name, version.version, alias=CHALLENGER, who=who, why=why, action="register")
    log.info("registered as %s", version.reference)
    return version


def _content(
    run: Run, report: Report, students: Sequence[StudentModel], exports: Mapping[str, ArtifactRef]
) -> VersionContent:
    student = next(one for one in students if one.role == report.comparison.student)
    assert report.student is not None, "the student of the comparison is measured"
    return VersionContent(
        name=run.recipe.name,
        run_id=run.id,
        role=student.role,
        kind=student.base.config.kind,
        student=student.built.ref,
        exports=dict(exports),
        primary_metric=report.comparison.primary_metric,
        measured=report.student,
        gate=_verdict(report),
        recipe=report.recipe,
        fingerprints={label: stage.fingerprint for label, stage in report.stages.items() if stage.fingerprint},
        cards={name: run.store.read_text(f"runs/{run.id}/{name}") for name in _CARDS},
    )


def _verdict(report: Report) -> str | None:
    return report.gate.verdict if report.gate else None
