"""What the student must learn, as far as a recipe says it: one model a skill, told apart by `kind`."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from tasks.recipe.base import Part

MetricName = Literal["accuracy", "macro_f1"]


class Labelled(Part):
    """What skills share whose answer is one label out of a fixed set."""

    has_labels: ClassVar[bool] = True
    metrics: ClassVar[tuple[MetricName, ...]] = ("accuracy", "macro_f1")  # measured unless told; the first is compared

    labels: tuple[str, ...] = Field((), description="the label set; empty takes it from the labelled rows")
    instruction: str = Field(
        "Classify the message. Answer with exactly one of these labels: {labels}.",
        description="system prompt of teacher and zero-shot baseline; {labels} is replaced by the list",
    )
    student_instruction: str = Field("", description="system prompt of the student; empty shows it the bare message")

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(labels) == 1:
            raise ValueError("one class only: a classification needs at least two labels")
        if len(set(labels)) != len(labels) or any(not label.strip() for label in labels):
            raise ValueError("labels must be distinct and not blank")
        return labels


class Classification(Labelled):
    """One label out of a fixed set for each message."""

    kind: Literal["classification"] = Field("classification", description="the skill's name")


class Nli(Labelled):
    """What a premise says of a hypothesis: entailment, neutral or contradiction, or the recipe's own labels."""

    kind: Literal["nli"] = Field(description="the skill's name")
    labels: tuple[str, ...] = Field(
        ("entailment", "neutral", "contradiction"),
        description="the label set; empty takes it from the labelled rows",
    )
    instruction: str = Field(
        "Does the hypothesis follow from the premise? Answer with exactly one of these labels: {labels}.",
        description="system prompt of teacher and zero-shot baseline; {labels} is replaced by the list",
    )


def _kind(skill: Any) -> Any:
    """A recipe without a kind is a classification, as the first recipes were."""
    return skill.get("kind", "classification") if isinstance(skill, dict) else getattr(skill, "kind", None)


KINDS: dict[str, type[Part]] = {"classification": Classification, "nli": Nli}
Skill = Annotated[
    Annotated[Classification, Tag("classification")] | Annotated[Nli, Tag("nli")],
    Discriminator(_kind),
]
