"""Training on the hidden states of a deeper model's layers."""

from typing import Literal

from pydantic import Field

from stillhouse.recipe.teaching.layer_matching import GivenLayers, LayerMatching


class HiddenStates(LayerMatching):
    """How the student's hidden states learn those of another model. Every field is identity."""

    layers: Literal["even", "last"] | GivenLayers = Field(
        "even",
        description="which of its layers the student's learn; even: evenly spaced ones, the last by the last; last: "
        "its last ones, as many as the student has; or a list with one layer for each of the student's, counted from 0",
    )
    loss: Literal["relative_mse", "mse", "cosine"] = Field(
        "relative_mse",
        description="distance of two hidden states; mse: mean squared difference; relative_mse: that over the mean "
        "square of the one to learn, so that layers with large numbers count no more than others; cosine: 1 - their "
        "cosine, which leaves their length free",
    )
    embeddings: bool = Field(False, description="compare the token embeddings too, as one more layer")
