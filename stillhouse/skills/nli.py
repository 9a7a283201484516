"""Natural language inference: what a premise says about a hypothesis, as one of a fixed set of labels.

Example row: {"premise": "A dog is asleep on the porch.", "hypothesis": "An animal is resting.", "label": "entailment"}
with `columns: {premise: premise, hypothesis: hypothesis, label: label}`; the answer is `entailment`.
"""

from typing import ClassVar, Literal

from pydantic import Field

from stillhouse.skills.labelled import Labelled


class Nli(Labelled):
    """What a premise says about a hypothesis: entailment, neutral or contradiction, or the recipe's own labels."""

    columns: ClassVar[tuple[str, ...]] = ("premise", "hypothesis")

    kind: Literal["nli"] = Field(description="the skill's name")
    labels: tuple[str, ...] = Field(
        ("entailment", "neutral", "contradiction"),
        description="the label set; empty takes it from the labelled rows",
    )
    instruction: str = Field(
        "Does the hypothesis follow from the premise? Answer with exactly one of these labels: {labels}.",
        description="system prompt of teacher and zero-shot baseline; {labels} is replaced by the list",
    )
