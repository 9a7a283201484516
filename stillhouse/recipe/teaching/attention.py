"""Training on the attention relations of another model."""

from typing import Literal

from pydantic import Field, field_validator

from stillhouse.recipe.teaching.layer_matching import GivenLayers, LayerMatching

Relation = Literal["queries", "keys", "values"]


class Attention(LayerMatching):
    """How the student's attention learns that of another model. Every field is identity."""

    layers: Literal["even", "last"] | GivenLayers = Field(
        "last",
        description="which of its layers the student's learn; last: its last one, by the student's last; even: evenly "
        "spaced ones, by all of the student's; or a list with one layer for each of the student's, counted from 0",
    )
    relations: tuple[Relation, ...] = Field(
        ("queries", "keys", "values"),
        min_length=1,
        description="which vectors are related: how alike those of two tokens are is what is learnt (MiniLMv2)",
    )
    relation_heads: int = Field(
        0,
        ge=0,
        le=1024,
        description="parts into which the vectors of all heads together are split, the same number in both models; it "
        "divides their widths. 0: the most that do, up to 48",
    )

    @field_validator("relations")
    @classmethod
    def _each_once(cls, relations: tuple[Relation, ...]) -> tuple[Relation, ...]:
        if len(set(relations)) < len(relations):
            raise ValueError(f"{list(relations)} names one twice: name each relation once")
        return relations
