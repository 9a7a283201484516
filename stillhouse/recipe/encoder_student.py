"""How an encoder becomes a student: a classifier that chooses among the labels of the skill."""

from typing import Literal

from pydantic import Field

from stillhouse.config import FrozenModel


class EncoderTuning(FrozenModel):
    """What an encoder student learns, and how fast. All else that `training` says holds for it too."""

    method: Literal["linear", "fine_tuned"] = Field(
        "fine_tuned",
        description="linear: logistic regression on the vectors of the encoder, which stays as it is; fine_tuned: all "
        "weights, beginning from that regression",
    )
    epochs: float = Field(
        3.0, gt=0.0, description="passes of fine-tuning over the training examples; `training.epochs` is not for it"
    )
    learning_rate: float = Field(
        5e-5, gt=0.0, description="peak learning rate of fine-tuning; `training.learning_rate` is not for it"
    )
    label_texts: bool = Field(
        True, description="the name of each label is one more training example of it, which helps where rows are few"
    )
