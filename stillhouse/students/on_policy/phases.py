"""The two parts of an on-policy training: the examples' text first, then the student's own answers.

Imported in the engine environment only.
"""

from __future__ import annotations

from typing import Any

from transformers import EarlyStoppingCallback, TrainerControl, TrainerState, TrainingArguments


def text_steps(share: float, num_steps: int) -> int:
    """Return how many of the optimizer steps learn the examples' text; at least one step of the others is left."""
    return min(round(share * num_steps), num_steps - 1)


class PatientAfterText(EarlyStoppingCallback):
    """Early stopping that counts validation passes from the first step on the student's own answers.

    A student whose text training has come to its end goes on to its own answers.
    """

    def __init__(self, early_stopping_patience: int, text_share: float) -> None:
        super().__init__(early_stopping_patience)
        self.text_share = text_share

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, metrics: Any = None, **given: Any
    ) -> None:
        """Count a validation pass, if it is of the second part."""
        if state.global_step > text_steps(self.text_share, state.max_steps):
            super().on_evaluate(args, state, control, metrics, **given)  # type: ignore[no-untyped-call]

    def state(self) -> dict[str, Any]:
        """Return the state that a checkpoint keeps."""
        saved = super().state()
        args = {"early_stopping_patience": self.early_stopping_patience, "text_share": self.text_share}
        return {"args": args, "attributes": saved["attributes"]}
