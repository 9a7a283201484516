"""What matching of hidden states and matching of attention have in common: whose layers, which, and how much."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stillhouse.config import FrozenModel


def _ascending(layers: tuple[int, ...]) -> tuple[int, ...]:
    if not layers:
        raise ValueError("name at least one layer, or take the word even or last")
    if any(layer < 0 for layer in layers) or list(layers) != sorted(set(layers)):
        raise ValueError(f"{list(layers)} is not ascending: give each layer once, counted from 0, in its order")
    return layers


GivenLayers = Annotated[tuple[int, ...], AfterValidator(_ascending)]


class LayerMatching(FrozenModel):
    """The fields of every method that compares layers. Every field is identity."""

    source: Literal["teacher", "base"] = Field(
        "teacher",
        description="whose layers the student learns; teacher: those of the first teacher that is served here, which "
        "sees the student's prompt; base: those of the student's own base model before it was cut",
    )
    weight: float = Field(
        1.0, gt=0.0, le=1e6, description="factor of the matching loss, which is added to the cross-entropy"
    )
    cross_entropy_weight: float = Field(
        1.0, ge=0.0, le=1e6, description="factor of the cross-entropy of the answers; 0 learns by matching alone"
    )
    logits_weight: float = Field(
        0.0,
        ge=0.0,
        le=1e6,
        description="factor of the forward KL from the matched model's next token to the student's, over the whole "
        "vocabulary and the answers' tokens; added to both",
    )
    kd_temperature: float = Field(
        1.0, ge=1.0, le=20.0, description="softens both models' next tokens in that KL (arXiv:1503.02531)"
    )
    tokens: Literal["all", "completion"] = Field(
        "all",
        description="at which tokens layers are compared; all: of the prompt too; completion: where a token of the "
        "answer is written",
    )
