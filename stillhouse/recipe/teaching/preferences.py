"""The second step of training: direct preference optimisation on pairs of the teacher's own answers."""

from typing import Literal

from pydantic import Field

from stillhouse.config import FrozenModel


class Pairs(FrozenModel):
    """The section `training.preferences.pairs`: which samples of a prompt are a pair. Every field is identity."""

    by: Literal["verifier", "majority", "judge"] = Field(
        "verifier",
        description="what says which sample is better. verifier: one agrees with the row's reference and the other "
        "contradicts it; majority: one gives the answer that most samples of the prompt gave and the filters kept, the "
        "other another one (arXiv:2411.04109); judge: the recipe's `judge` scores one higher",
    )
    least_margin: int = Field(
        1, ge=1, le=4, description="by: judge alone: least difference of the two scores, which are from 1 to 5"
    )
    per_prompt: int = Field(1, ge=1, le=16, description="most pairs of one prompt, those with the widest margin first")
    least: int = Field(32, ge=1, description="fewest pairs to train on; fewer end the run before training")


class Preferences(FrozenModel):
    """The section `training.preferences`. Every field is identity.

    The student that the first step trained learns to prefer the better sample of each pair, and is held near what it
    was (arXiv:2305.18290).
    """

    pairs: Pairs = Field(Pairs(), description="which samples of a prompt are a pair")
    loss: Literal["sigmoid", "ipo"] = Field(
        "sigmoid",
        description="sigmoid: that of arXiv:2305.18290; ipo: a squared one that goes on where pairs never contradict "
        "each other (arXiv:2310.12036), of means over an answer's tokens as TRL computes it",
    )
    beta: float = Field(
        0.1, gt=0.0, le=10.0, description="how near the student stays to what the first step made of it; 1 is near"
    )
    epochs: float = Field(1.0, gt=0.0, description="passes over the pairs")
    learning_rate: float | None = Field(
        None,
        gt=0.0,
        description="peak learning rate; null: 5e-06 below 1 billion parameters, 1e-06 from there on, of adapters "
        "1e-05",
    )
