"""Classification: one of a fixed set of labels for each message.

Example row: {"message": "My road bike was stolen from the shed, both locks were on.", "intent": "bicycle"} with
`columns: {text: message, label: intent}`; the answer is `bicycle`.
"""

from typing import Literal

from pydantic import Field

from stillhouse.skills.labelled import Labelled


class Classification(Labelled):
    """One of a fixed set of labels for each message."""

    kind: Literal["classification"] = Field("classification", description="the skill's name")
    instruction: str = Field(
        "Classify the message. Answer with exactly one of these labels: {labels}.",
        description="system prompt of teacher and zero-shot baseline; {labels} is replaced by the list",
    )
