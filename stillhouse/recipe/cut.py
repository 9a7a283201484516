"""How a student is cut out of its base model, beside the number of its layers."""

from typing import Annotated, Literal

from pydantic import Field

from stillhouse.config import FrozenModel

Index = Annotated[int, Field(ge=0)]


class Correction(FrozenModel):
    """Training of the whole base model before it is cut (arXiv:2408.11796). Every field is identity."""

    steps: int = Field(
        0,
        ge=0,
        description="optimizer steps on the training examples before the cut, as the section `training` says; 0: none",
    )
    learning_rate: float | None = Field(
        None, gt=0.0, description="peak learning rate of these steps; null takes that of the training"
    )


class Cut(FrozenModel):
    """What a student keeps of its base model. Every field is identity."""

    layers: Literal["even", "first", "influence", "loss"] | tuple[Index, ...] = Field(
        "even",
        description="which `student.layers` layers are kept; even: evenly spaced; first: the first; influence: those "
        "that turn what they read the most on training examples (ShortGPT's block influence, arXiv:2403.03853); loss: "
        "those without which the loss on training examples rises most, which takes a pass for each layer; or the "
        "numbers of the layers, from 0",
    )
    feed_forward: float = Field(
        1.0,
        gt=0.0,
        le=1.0,
        description="share of each layer's feed-forward neurons to keep: those that add most on training examples",
    )
    heads: float = Field(
        1.0,
        gt=0.0,
        le=1.0,
        description="share of each layer's attention heads to keep: those that add most on training examples; heads "
        "that share keys and values stay together",
    )
    embeddings: Literal["model", "tied", "untied", "new"] = Field(
        "model",
        description="model: as they are; tied: the output layer takes the weights of the embeddings; untied: it gets a "
        "copy of its own to learn; new: both are drawn at random, which takes much training",
    )
    correction: Correction = Correction()
    sample: int = Field(
        64,
        ge=1,
        le=100_000,
        description="training examples that importance is measured on, and rows that the loss before training is "
        "measured on: validation rows, or where there are none the same examples",
    )

    @property
    def is_plain(self) -> bool:
        """Whether it asks for evenly spaced layers alone, which need no measuring."""
        return self.model_copy(update={"sample": Cut().sample}) == Cut()

    @property
    def is_narrower(self) -> bool:
        """Whether the student's layers are smaller than its base's."""
        return self.feed_forward < 1 or self.heads < 1
