"""The specs of the student's workers, which the engine environment reads too, and what they return; no torch here."""

from typing import Any, Literal

from pydantic import Field

from stillhouse.artifacts.handle import StageSummary
from stillhouse.config import FrozenModel
from stillhouse.recipe.chat_template import (
    DATE_DESCRIPTION,
    DEFAULT_DATE,
    KWARGS_DESCRIPTION,
    TemplateDate,
    TemplateKwargs,
)
from stillhouse.recipe.training import Training


class StudentSpec(FrozenModel):
    """The untrained student, and where to write the result."""

    schema_version: Literal[1] = 1
    base_model: str = Field(description="local checkpoint folder, or hub name")
    revision: str = Field("", description="hub revision; ignored for local folders")
    layers: int = Field(0, ge=0, description="evenly spaced layers to keep; 0 keeps all")
    chat_template: str | None = Field(None, description="Jinja chat template of the student; none keeps the base's")
    chat_template_kwargs: TemplateKwargs = Field({}, description=KWARGS_DESCRIPTION)
    template_date: TemplateDate = Field(DEFAULT_DATE, description=DATE_DESCRIPTION)
    reasoning: Literal["drop", "keep"] = Field("drop", description="whether the student is taught to reason")
    out: str = Field(description="folder for the student")


class TeacherWeights(FrozenModel):
    """The teacher's weights, for a training method that computes with them."""

    model: str = Field(description="local checkpoint folder, or hub name")
    revision: str = Field("", description="hub revision; ignored for local folders")


class TeacherServer(FrozenModel):
    """A vLLM server of a teacher that a training asks for log-probabilities."""

    url: str = Field(description="address with or without /v1")
    model: str = Field(description="name by which it serves the teacher")
    key_variable: str = Field("", description="environment variable that holds the key")
    timeout_s: float = Field(300.0, gt=0.0, description="seconds that a request may take")


class TrainSpec(StudentSpec):
    """One training run of `python -m stillhouse.students.worker`."""

    rows: str = Field(description="JSONL of {id, prompt: [messages], completion: [messages]} to train on")
    validation: str | None = Field(None, description="JSONL of the same form; none trains without validation")
    training: Training
    pairs: str | None = Field(None, description="JSONL of {id, prompt, chosen, rejected} for a second step; else none")
    validation_pairs: str | None = Field(None, description="JSONL of the same form; may be empty")
    checkpoints: str = Field(description="folder that outlives a kill; a killed training resumes from it")
    teacher: TeacherWeights | None = Field(
        None, description="of the methods that compute with the teacher, or the base; else none"
    )
    teacher_server: TeacherServer | None = Field(None, description="of the methods that ask a server; else none")


class InitialiseSpec(StudentSpec):
    """One untrained student (the baseline), by `python -m stillhouse.students.initialise`."""

    precision: Literal["float32", "bfloat16"] = Field("bfloat16", description="number type of the written weights")
    sample: tuple[dict[str, Any], ...] = Field((), description="rows {prompt, completion} to try the template on")


class ConvertSpec(FrozenModel):
    """One GGUF file to turn into a checkpoint folder, by `python -m stillhouse.students.convert`."""

    schema_version: Literal[1] = 1
    gguf: str = Field(description="path of the GGUF file")
    out: str = Field(description="folder for the checkpoint")


class ConvertSummary(StageSummary):
    """The checkpoint made of a GGUF file."""

    parameters: int


class InitialiseSummary(StageSummary):
    """The student before training."""

    parameters: int
    layers: int | None = None


class PreferenceSummary(StageSummary):
    """A second step on pairs. Margins are beta times a difference of log-probabilities, in nats."""

    pairs: int
    pairs_too_long: int
    validation_pairs: int
    steps: int
    best_step: int
    seconds: float
    train_loss: float
    validation_loss: float | None = None
    accuracy: float  # share of pairs whose better answer gained more, in the last tenth of the steps
    margin: float  # by how much, the mean of the same
    validation_accuracy: float | None = None
    validation_margin: float | None = None
    history: tuple[dict[str, Any], ...] = ()  # step, train_loss, accuracy, margin


class TrainSummary(StageSummary):
    """A training: losses are means over completion tokens, in nats."""

    method: str
    rows: int
    rows_with_soft_label: int | None = None  # that learn the teacher's probabilities; None: the recipe asks for none
    learnt_tokens: int | None = None  # of answers in the rows, with kind: logits
    teacher_tokens: int | None = None  # of these, those of which the teacher's log-probabilities are learnt
    tokens: int
    steps: int
    seconds: float
    train_loss: float
    validation_loss: float | None = None
    best_step: int | None = None
    history: tuple[dict[str, Any], ...] = ()  # step, and train_loss or validation_loss
    preferences: PreferenceSummary | None = None  # None: there was no second step
    libraries: dict[str, str] = Field({})  # that wrote the student; empty if an earlier version of this code did
