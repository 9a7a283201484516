"""Trains students: on the teachers' completions, and the main one on the labelled rows alone for comparison."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from stillhouse.artifacts.handle import Built
from stillhouse.costs.ledger import Expense, machine_line
from stillhouse.dataset.pair_files import PAIR_FILES
from stillhouse.dataset.summary import FilterSummary
from stillhouse.evaluation.roles import ModelRole
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.checks.on_policy import asked_teacher
from stillhouse.recipe.teacher import Teacher
from stillhouse.recipe.teaching.attention import Attention
from stillhouse.recipe.teaching.hidden_states import HiddenStates
from stillhouse.recipe.teaching.logits import LogitsSettings
from stillhouse.recipe.teaching.on_policy import OnPolicy
from stillhouse.recipe.training import Training
from stillhouse.students.labelled_steps import labelled_steps
from stillhouse.students.spec import TeacherServer, TeacherWeights, TrainSpec, TrainSummary
from tasks.balance import Rows
from tasks.initialise import StudentParams
from tasks.orchestration.params import Execution, IfSet
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.student_models import StudentBase, StudentModel
from tasks.orchestration.training_of import training_of
from tasks.orchestration.workers import Worker, run_engine_worker
from tasks.train_encoder import build_encoder

# field of a worker's spec -> the split whose pairs it names
PAIRS = {"pairs": PAIR_FILES["train"], "validation_pairs": PAIR_FILES["validation"]}


class TrainParams(StudentParams):
    """What the student starts from, the rows it is trained on, and how."""

    training: Training
    rows: str  # file name
    with_validation: bool = Field(alias="validate")
    teacher: IfSet[Any] = None  # what identifies the teacher, for a method that learns from it while training
    teacher_weights: Execution[TeacherWeights | None] = None
    teacher_server: Execution[TeacherServer | None] = None


@stage("train", version=2, on_device=True)
def train(call: StageCall[TrainParams]) -> TrainSummary:
    """Write the student's weights, tokenizer and training history."""
    params, rows = call.params, call.folder("rows")
    validation = rows / "validation.jsonl"
    spec = TrainSpec(
        **params.spec_fields(),
        rows=str(rows / params.rows),
        validation=str(validation) if params.with_validation and validation.stat().st_size else None,
        training=params.training,
        **({name: str(rows / file) for name, file in PAIRS.items()} if params.training.preferences else {}),
        checkpoints=str(call.settings.work / "checkpoints" / call.fingerprint),
        teacher=params.teacher_weights,
        teacher_server=params.teacher_server,
        out=str(call.work.folder),
    )
    return run_engine_worker(call, Worker.TRAIN, spec, TrainSummary)


def train_students(
    run: Run,
    bases: Sequence[StudentBase],
    teachers: Sequence[Checkpoint],
    rows: Rows,
    dataset: Built[FilterSummary],
) -> list[StudentModel]:
    """Return every student trained on the teachers' completions and the references, the main one first."""
    return [train_student(run, base, teachers, rows, dataset) for base in bases]


def train_student(
    run: Run,
    base: StudentBase,
    teachers: Sequence[Checkpoint],
    rows: Rows,
    dataset: Built[FilterSummary],
    suffix: str = "",
) -> StudentModel:
    """Return one student trained on a training set; of several rounds each has a `suffix` of its own."""
    assert not base.is_uncut, "cut_students comes before"
    training, label = training_of(run, base), base.label("train") + suffix
    if base.config.is_encoder:
        given: dict[str, Any] = {"rows": "train.jsonl", "training": training, "with_validation": True}
        built: Built[Any] = build_encoder(run, base, rows.labels, dataset.ref, label=label, **given)
    else:
        with_teacher = _teacher_fields(run, teachers, training)
        with_teacher |= _base_fields(base) if training.learns_from_base else {}
        built = _train(
            run, base, dataset, label, training=training, rows="train.jsonl", with_validation=True, **with_teacher
        )
    run.ledger.append(machine_line(Expense.TRAINING, built, run.recipe.costs.training_usd_per_hour))
    return base.built_as(base.role, built)


def train_labelled_only(
    run: Run, student: StudentModel, rows: Rows, dataset: Built[FilterSummary]
) -> StudentModel | None:
    """Return the same student trained on the labelled rows alone, for equal steps if 100 epochs do not end before.

    None if there are no such rows, or no others: it would be the student again.
    """
    written = dataset.summary
    if not run.recipe.evaluation.no_teacher_alternatives or not written.rows.labelled or not written.kept:
        return None
    base, label = student.base, "train labelled-only"
    # no validation: a user without a teacher would have to take it from the same handful
    training = training_of(run, base)
    most = labelled_steps(student.built.summary.steps, written.rows.labelled, training)
    # without a teacher there is nothing to learn but the labels
    alone: dict[str, Any] = {"kind": "sft", "soft_labels": None, "logits": LogitsSettings(), "preferences": None}
    alone |= {"hidden_states": HiddenStates(), "attention": Attention(), "on_policy": OnPolicy()}
    training = training.model_copy(update={"max_steps": most, "early_stopping_patience": 0, **alone})
    if base.config.is_encoder:
        built: Built[Any] = build_encoder(
            run, base, rows.labels, dataset.ref, rows="labelled.jsonl", label=label, training=training
        )
    else:
        built = _train(run, base, dataset, label, training=training, rows="labelled.jsonl", with_validation=False)
    run.ledger.append(machine_line(Expense.TRAINING_LABELLED_ONLY, built, run.recipe.costs.training_usd_per_hour))
    return base.built_as(ModelRole.STUDENT_LABELLED_ONLY, built)


def _train(
    run: Run, base: StudentBase, dataset: Built[FilterSummary], label: str, **params: Any
) -> Built[TrainSummary]:
    inputs = {"rows": dataset.ref, **(base.start or base.checkpoint).inputs}
    return run.build(train, inputs, TrainParams.of(run.recipe, base, **params), label=label)


def _teacher_fields(run: Run, teachers: Sequence[Checkpoint], training: Training) -> dict[str, Any]:
    """Return what a method needs that learns from the teacher while it trains: the first one that can serve it."""
    if training.asks_server:
        asked = asked_teacher(run.recipe)
        assert asked is not None, "refused before work"
        return _server_fields(asked[1])
    if not training.needs_teacher:
        return {}
    found, config = next(
        (found, config) for found, config in zip(teachers, run.recipe.teachers, strict=True) if not config.endpoint
    )
    return {
        "teacher": found.identity,
        "teacher_weights": TeacherWeights(model=found.path, revision=config.revision),
    }


def _server_fields(teacher: Teacher) -> dict[str, Any]:
    endpoint = teacher.endpoint
    assert endpoint is not None, "it has a server"
    server = TeacherServer(
        url=endpoint.address,
        model=teacher.model,
        key_variable=endpoint.key_variable,
        timeout_s=endpoint.timeout_s,
    )
    return {"teacher": endpoint.model_identity(teacher.model, teacher.revision), "teacher_server": server}


def _base_fields(base: StudentBase) -> dict[str, Any]:
    """Return what a method needs that computes with the student's whole base model, wherever training begins."""
    weights = TeacherWeights(model=base.checkpoint.path, revision=base.config.revision)
    return {"teacher": base.checkpoint.identity, "teacher_weights": weights}
