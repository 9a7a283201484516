"""What the student must learn, as far as a recipe says it."""

from pydantic import Field, field_validator

from tasks.recipe.base import Part


class Classification(Part):
    """One label out of a fixed set for each message."""

    kind: str = Field("classification", pattern="^classification$", description="the skill's name")
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


Skill = Classification
