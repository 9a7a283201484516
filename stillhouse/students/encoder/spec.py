"""The spec of the worker that makes an encoder student, and what it returns; no torch here."""

from typing import Literal

from pydantic import Field

from stillhouse.config import FrozenModel
from stillhouse.recipe.encoder_student import EncoderTuning
from stillhouse.recipe.training import Training
from stillhouse.students.spec import TrainSummary


class EncoderSpec(FrozenModel):
    """One training run of `python -m stillhouse.students.encoder.worker`."""

    schema_version: Literal[1] = 1
    base_model: str = Field(description="local folder of an encoder, or hub name")
    revision: str = Field("", description="hub revision; ignored for local folders")
    labels: tuple[str, ...] = Field(min_length=2, description="that the student chooses among")
    rows: str | None = Field(description="JSONL of {id, prompt, completion} to train on; none learns label names alone")
    validation: str | None = Field(None, description="JSONL of the same form; none trains without validation")
    tuning: EncoderTuning
    training: Training
    checkpoints: str = Field(description="folder that outlives a kill; a killed training resumes from it")
    out: str = Field(description="folder for the student")


class EncoderSummary(TrainSummary):
    """The training of an encoder student: losses are means over rows, in nats."""

    parameters: int
    graph_bytes: int  # of the int8 graph, which is served
    strength: float | None = None  # inverse strength of regularisation of the linear head; None: not chosen
    rows_cut: int = 0  # whose text has more tokens than the student reads
    agreement: float  # share of training and validation texts on which int8 and float choose alike
