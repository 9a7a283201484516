"""Trains students: on the teachers' completions, and on the labelled rows alone for comparison."""

from pydantic import Field

from stillhouse.artifacts.handle import Built
from stillhouse.costs.ledger import Expense, machine_line
from stillhouse.dataset.summary import FilterSummary
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.student import Training
from stillhouse.students.labelled_steps import labelled_steps
from stillhouse.students.spec import TrainSpec, TrainSummary
from tasks.initialise import StudentParams
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import Worker, run_engine_worker


class TrainParams(StudentParams):
    """What the student starts from, the rows it is trained on, and how."""

    training: Training
    rows: str  # file name
    with_validation: bool = Field(alias="validate")


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
        checkpoints=str(call.settings.work / "checkpoints" / call.fingerprint),
        out=str(call.work.folder),
    )
    return run_engine_worker(call, Worker.TRAIN, spec, TrainSummary)


def train_student(run: Run, base: Checkpoint, dataset: Built[FilterSummary]) -> Built[TrainSummary]:
    """Return the student trained on the teachers' completions and the references."""
    params = TrainParams.of(run.recipe, base, training=run.recipe.training, rows="train.jsonl", with_validation=True)
    return _train(run, base, dataset, params, "train", Expense.TRAINING)


def train_labelled_only(
    run: Run, base: Checkpoint, dataset: Built[FilterSummary], *, steps: int
) -> Built[TrainSummary] | None:
    """Return the same student trained on the labelled rows alone, for equal `steps` if 100 epochs do not end before.

    None if there are no such rows.
    """
    if not run.recipe.evaluation.no_teacher_alternatives or not dataset.summary.rows.labelled:
        return None
    # no validation: a user without a teacher would have to take it from the same handful
    most = labelled_steps(steps, dataset.summary.rows.labelled, run.recipe.training)
    alone = {"max_steps": most, "early_stopping_patience": 0, "soft_labels": None}
    training = run.recipe.training.model_copy(update=alone)
    params = TrainParams.of(run.recipe, base, training=training, rows="labelled.jsonl", with_validation=False)
    return _train(run, base, dataset, params, "train labelled-only", Expense.TRAINING_LABELLED_ONLY)


def _train(
    run: Run, base: Checkpoint, dataset: Built[FilterSummary], params: TrainParams, label: str, expense: Expense
) -> Built[TrainSummary]:
    built = run.build(train, {"rows": dataset.ref, **base.inputs}, params, label=label)
    run.ledger.append(machine_line(expense, built, run.recipe.costs.training_usd_per_hour))
    return built
