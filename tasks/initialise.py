"""Makes the student as it is before training: one of the two baselines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.evaluation.roles import ModelRole
from stillhouse.inference.loading import known_config
from stillhouse.recipe.recipe import Recipe
from stillhouse.skills.registry import AnySkill
from stillhouse.students.cutting.shape import check_cut
from stillhouse.students.preflight import check_student, check_untrained
from stillhouse.students.row_sample import sample_rows
from stillhouse.students.spec import InitialiseSpec, InitialiseSummary
from tasks.balance import Rows
from tasks.orchestration.params import Execution, Params
from tasks.orchestration.passed_checks import check_once, note_passed
from tasks.orchestration.run import Run
from tasks.orchestration.run_models import find_checkpoint
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.student_models import StudentBase, StudentModel
from tasks.orchestration.training_of import training_of
from tasks.orchestration.workers import Worker, run_engine_worker
from tasks.train_encoder import build_encoder


class StudentParams(Params):
    """The base model's content, and what of it the student takes."""

    base: Any
    shape: dict[str, Any] = Field(alias="student")  # its layers, chat template, and what that is told
    revision: Execution[str]
    base_model: Execution[str]  # folder, or hub name

    @classmethod
    def of(cls, recipe: Recipe, base: StudentBase, **own: Any) -> Self:
        """Return the parameters of the student made from `base`; `own` holds the fields of a subclass."""
        start = base.start or base.checkpoint
        return cls(
            base=None if base.start else start.identity,
            shape=base.initial_identity | recipe.training.reasoning_identity,
            revision=base.config.revision,
            base_model=start.path,
            **own,
        )

    def spec_fields(self) -> dict[str, Any]:
        """Return the fields of a `StudentSpec` but for its folder."""
        return {**self.shape, "base_model": self.base_model, "revision": self.revision}


class InitialiseParams(StudentParams):
    """The student, and rows to try its chat template on; they change nothing of what is written."""

    rows: Execution[ArtifactRef]
    skill: Execution[AnySkill]
    labels: Execution[tuple[str, ...]]


@stage("initialise", version=2, on_device=True)
def initialise(call: StageCall[InitialiseParams]) -> InitialiseSummary:
    """Write the student as it is before training."""
    params = call.params
    sample = sample_rows(call.store.fetch(params.rows) / "train.parquet", params.skill, params.labels)
    spec = InitialiseSpec(**params.spec_fields(), sample=sample, out=str(call.work.folder))
    return run_engine_worker(call, Worker.INITIALISE, spec, InitialiseSummary)


def initialise_student(run: Run, bases: Sequence[StudentBase], rows: Rows) -> StudentModel | None:
    """Return the main student before training: an encoder knows the names of the labels by then.

    None if it is still to be cut by what training examples show.

    Raises:
        ModelError: the chat template of a student does not give the rows the prompts that it would be served with.
    """
    main, *others = bases
    for other in [*([main] if main.is_uncut else []), *others]:
        if not other.config.is_encoder and other.start is None:
            _check_base(run, other, rows)
    if main.is_uncut:
        return None
    if main.config.is_encoder:
        training = training_of(run, main)
        built: Built[Any] = build_encoder(
            run, main, rows.labels, None, rows="", label="train_encoder untrained", training=training
        )
        return main.built_as(ModelRole.BASELINE_UNTRAINED, built)
    params = InitialiseParams.of(run.recipe, main, rows=rows.train.ref, skill=run.recipe.skill, labels=rows.labels)
    built = run.build(initialise, (main.start or main.checkpoint).inputs, params)
    _try_template(run, built, _sample(run, rows))
    return main.built_as(ModelRole.BASELINE_UNTRAINED, built)


def try_students(run: Run, rows: Rows) -> None:
    """Return if the students' chat templates fit the rows, as far as that is known without making the students.

    Raises:
        ModelError: a folder's template does not give the rows the prompts that they would be served with.
    """
    for student in run.recipe.all_students:
        found = find_checkpoint(student.model, student.revision, run.settings)
        if found.model.kind == "folder" and not student.is_encoder:
            check_student(found.path, student, run.recipe, _sample(run, rows))


def _check_base(run: Run, base: StudentBase, rows: Rows) -> None:
    """Check what a student will be made of before a teacher is paid; of a hub's model its configuration alone.

    Raises:
        ModelError: it can't be cut, or its chat template does not fit the rows.
    """
    path, config = base.checkpoint.path, base.config
    if Path(path).is_dir():
        check_student(path, config, run.recipe, _sample(run, rows))
    elif config.is_cut and (known := known_config(path, config.revision)):
        check_cut(known, config.layers, config.cut)


def _try_template(run: Run, built: Built[Any], sample: tuple[dict[str, Any], ...]) -> None:
    """Try the student's chat template on rows, unless it was on this machine.

    Raises:
        ModelError: a training example can't be made of them.
    """
    looked_at = ["template", built.ref.fingerprint, run.recipe.training.teaches_reasoning, sample]
    if built.is_cached:  # the rows may be another run's
        check_once(
            run.settings, looked_at, lambda: check_untrained(str(run.store.fetch(built.ref)), run.recipe, sample)
        )
    else:  # the stage has just tried these
        note_passed(run.settings, looked_at)


def _sample(run: Run, rows: Rows) -> tuple[dict[str, Any], ...]:
    return sample_rows(run.store.fetch(rows.train.ref) / "train.parquet", run.recipe.skill, rows.labels)
