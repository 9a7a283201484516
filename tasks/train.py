"""Trains students: on the teacher's answers, and on the labelled rows alone for comparison."""

from typing import Any

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.student import Training
from stillhouse.students.spec import TrainSpec
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import Worker, run_engine_worker


@stage("train", version=1, on_device=True)
def train(call: StageCall) -> dict[str, Any]:
    """Write the student's weights, tokenizer and training history."""
    rows, student = call.folder("rows"), call.execution["student"]
    validation = rows / "validation.jsonl"
    spec = TrainSpec(
        base_model=call.execution["path"],
        revision=student.revision,
        layers=student.layers,
        chat_template=student.template,
        rows=str(rows / call.identity["rows"]),
        validation=str(validation) if call.identity["validate"] and validation.stat().st_size else None,
        training=call.execution["training"],
        checkpoints=str(call.settings.work / "checkpoints" / call.fingerprint),
        out=str(call.work.folder),
    )
    return run_engine_worker(call, Worker.TRAIN, spec)


def train_student(run: Run, base: Checkpoint, dataset: ArtifactRef) -> ArtifactRef:
    """Return the student trained on the teacher's answers and the references."""
    return _train(run, base, dataset, "train.jsonl", run.recipe.training, "train", validate=True)


def train_labelled_only(run: Run, base: Checkpoint, dataset: ArtifactRef) -> ArtifactRef | None:
    """Return the same student trained on the labelled rows alone for equal steps, or None where there are none."""
    if not run.recipe.evaluation.no_teacher_alternatives or not run.summary("filter")["rows"]["labelled"]:
        return None
    # no validation: the user without a teacher would have to take it from the same handful
    training = run.recipe.training.model_copy(
        update={"max_steps": run.summary("train")["steps"], "early_stopping_patience": 0}
    )
    return _train(run, base, dataset, "labelled.jsonl", training, "train labelled-only", validate=False)


def _train(
    run: Run, base: Checkpoint, dataset: ArtifactRef, rows: str, training: Training, label: str, *, validate: bool
) -> ArtifactRef:
    student = run.recipe.student
    identity = {
        "base": base.identity,
        "student": student.shape,
        "training": training,
        "rows": rows,
        "validate": validate,
    }
    inputs = {"rows": dataset, **base.inputs}
    return run.build(train, inputs, identity, label=label, student=student, training=training, path=base.path)
