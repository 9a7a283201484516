"""What the stages that make students note in their records."""

from typing import Any

from stillhouse.artifacts.handle import StageSummary


class ConvertSummary(StageSummary):
    """The checkpoint made of a GGUF file."""

    parameters: int


class InitialiseSummary(StageSummary):
    """The student before training."""

    parameters: int
    layers: int | None = None


class TrainSummary(StageSummary):
    """A training: losses are means over completion tokens, in nats."""

    method: str
    rows: int
    tokens: int
    steps: int
    seconds: float
    train_loss: float
    validation_loss: float | None = None
    best_step: int | None = None
    history: tuple[dict[str, Any], ...] = ()  # step, and train_loss or validation_loss
