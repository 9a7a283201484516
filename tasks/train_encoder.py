"""Makes students of encoders: classifiers that learn the same training examples, as folders and as int8 graphs."""

from pathlib import Path
from typing import Any

from pydantic import Field

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.inference.encoder.files import pooling_of
from stillhouse.recipe.encoder_student import EncoderTuning
from stillhouse.recipe.training import Training
from stillhouse.students.encoder.spec import EncoderSpec, EncoderSummary
from tasks.orchestration.params import Execution, IfSet, Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.student_models import StudentBase
from tasks.orchestration.workers import Worker, run_engine_worker


class TrainEncoderParams(Params):
    """The encoder's content, the rows that it learns, and how."""

    base: Any
    labels: tuple[str, ...]
    tuning: EncoderTuning
    training: Training
    pooling: IfSet[str] = "mean"  # as the encoder's folder says; a hub's commit says it too
    rows: str  # file name; empty: the names of the labels alone
    with_validation: bool = Field(alias="validate")
    revision: Execution[str]
    base_model: Execution[str]  # folder, or hub name


@stage("train_encoder", version=1, on_device=True)
def train_encoder(call: StageCall[TrainEncoderParams]) -> EncoderSummary:
    """Write the student's weights, its int8 graph, tokenizer, labels and training history."""
    params = call.params
    rows = call.folder("rows") if params.rows else None
    validation = rows / "validation.jsonl" if rows and params.with_validation else None
    spec = EncoderSpec(
        base_model=params.base_model,
        revision=params.revision,
        labels=params.labels,
        rows=str(rows / params.rows) if rows else None,
        validation=str(validation) if validation and validation.stat().st_size else None,
        tuning=params.tuning,
        training=params.training,
        checkpoints=str(call.settings.work / "checkpoints" / call.fingerprint),
        out=str(call.work.folder),
    )
    return run_engine_worker(call, Worker.TRAIN_ENCODER, spec, EncoderSummary)


def build_encoder(
    run: Run,
    base: StudentBase,
    labels: tuple[str, ...],
    dataset: ArtifactRef | None,
    *,
    rows: str,
    label: str,
    training: Training,
    with_validation: bool = False,
) -> Built[EncoderSummary]:
    """Return a student trained on a file of the training set, or on the names of the labels alone (`rows` empty)."""
    found = base.checkpoint
    params = TrainEncoderParams(
        base=found.identity,
        pooling=pooling_of(Path(found.path)) if found.model.kind == "folder" else "mean",
        labels=labels,
        tuning=base.config.encoder,
        training=training,
        rows=rows,
        with_validation=with_validation,
        revision=base.config.revision,
        base_model=found.path,
    )
    return run.build(train_encoder, {"rows": dataset, **found.inputs}, params, label=label)
