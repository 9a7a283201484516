"""Cuts students out of their base models by what training examples show, and measures what each cut costs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from stillhouse.artifacts.handle import Built
from stillhouse.costs.ledger import Expense, machine_line
from stillhouse.dataset.summary import FilterSummary
from stillhouse.recipe.cut import Cut
from stillhouse.recipe.training import Training, TrainingExecution
from stillhouse.students.cutting.correction import correction_of
from stillhouse.students.cutting.spec import CutSpec, CutSummary
from tasks.initialise import StudentParams
from tasks.orchestration.params import Execution, IfSet
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.student_models import StudentBase
from tasks.orchestration.training_of import training_of
from tasks.orchestration.workers import Worker, run_engine_worker


class CutParams(StudentParams):
    """What is cut, how, and by which of the training examples."""

    cut: Cut
    max_length: int
    correction: IfSet[Training | None] = None
    execution: Execution[TrainingExecution]


@stage("cut", version=1, on_device=True)
def cut(call: StageCall[CutParams]) -> CutSummary:
    """Write the student that training begins from, and what it has lost; of evenly spaced layers the latter alone."""
    params, rows = call.params, call.folder("rows")
    validation = rows / "validation.jsonl"
    spec = CutSpec(
        **params.spec_fields(),
        cut=params.cut,
        rows=str(rows / "train.jsonl"),
        validation=str(validation) if validation.is_file() and validation.stat().st_size else None,
        max_length=params.max_length,
        correction=params.correction,
        device=params.execution.device,
        threads=params.execution.threads,
        checkpoints=str(call.settings.work / "checkpoints" / call.fingerprint),
        out=str(call.work.folder),
    )
    return run_engine_worker(call, Worker.CUT, spec, CutSummary)


def cut_students(
    run: Run, bases: Sequence[StudentBase], dataset: Built[FilterSummary], suffix: str = ""
) -> list[StudentBase]:
    """Return the students with what each begins from, and what its cut costs before training, if it is cut.

    Of several rounds each has a `suffix` of its own.
    """
    return [_cut(run, base, dataset, suffix) if base.config.is_cut else base for base in bases]


def _cut(run: Run, base: StudentBase, dataset: Built[FilterSummary], suffix: str) -> StudentBase:
    training = training_of(run, base)
    correction = correction_of(base.config.cut.correction, training)
    own: dict[str, Any] = {
        "cut": base.config.cut,
        "max_length": training.max_length,
        "correction": correction,
        "execution": training.execution,
    }
    inputs = {"rows": dataset.ref, **base.checkpoint.inputs}
    label = base.label("cut") + suffix
    built = run.build(cut, inputs, CutParams.of(run.recipe, base, **own), label=label)
    if correction:
        run.ledger.append(machine_line(Expense.TRAINING, built, run.recipe.costs.training_usd_per_hour))
    if base.config.cut.is_plain:
        return replace(base, cut=built)
    start = base.checkpoint.model_copy(update={"ref": built.ref, "path": str(run.store.fetch(built.ref))})
    return replace(base, cut=built, start=start)
