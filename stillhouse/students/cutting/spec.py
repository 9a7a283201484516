"""The spec of the worker that cuts a student, and what it returns; no torch here."""

from typing import Literal

from pydantic import Field

from stillhouse.artifacts.handle import StageSummary
from stillhouse.recipe.cut import Cut
from stillhouse.recipe.training import Training
from stillhouse.students.cutting.shape import Shape
from stillhouse.students.spec import StudentSpec


class CutSpec(StudentSpec):
    """One cut, by `python -m stillhouse.students.cutting.worker`."""

    cut: Cut
    rows: str = Field(description="JSONL of {id, prompt, completion}: the training examples")
    validation: str | None = Field(None, description="the same of the validation rows; none: there are none")
    max_length: int = Field(description="most tokens of an example; longer ones are left out")
    correction: Training | None = Field(None, description="training of the whole base before the cut; none: as it is")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="device to measure on")
    threads: int = Field(0, ge=0, description="CPU threads; 0 takes all cores")
    checkpoints: str = Field(description="folder that outlives a kill; a killed correction resumes from it")


class CutSummary(StageSummary):
    """A cut: losses are means over the tokens of the answers, in nats, before training."""

    whole: Shape
    kept: Shape
    layers: tuple[int, ...]  # of the base, that are kept
    parameters: int
    whole_parameters: int
    embeddings: str  # as the recipe says
    correction_steps: int
    loss_rows: int
    loss_on_validation: bool  # or on training examples
    loss_whole: float
    loss_corrected: float | None = None  # None: not corrected
    loss_cut: float
    layer_importance: tuple[float, ...] = ()  # of each layer of the base; empty: not measured
