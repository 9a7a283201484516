"""How probable a teacher finds each label of a row, for students that learn it beside the answer.

Nothing is asked for it: the completions hold it already.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stillhouse.completions.table import Lines
from stillhouse.dataset.example import TrainingExample
from stillhouse.errors import QualityError
from stillhouse.skills.skill import Skill
from stillhouse.teachers.calibration import Priors, probabilities, teacher_index_of

# six digits, however small the number is: a temperature makes small ones count, and processors differ in later digits
_FORMAT = "{:.6g}"


@dataclass(frozen=True)
class LabelProbabilities:
    """The teachers' completions, and what it takes to read the probabilities of the labels from them."""

    lines: Lines
    priors: Priors
    labels: Sequence[str]
    skill: Skill

    def field(self, example: TrainingExample) -> dict[str, Any]:
        """Return `label_probabilities` of an example, {label: probability in [0, 1]} in label order; {} if unknown.

        They are of the teacher that gave the example its answer:
        - its calibrated label scores, the mean over its completions, if the engine gave them
        - else the share of its completions that give the label, if it gave several
        A row that trains on its own reference has none.
        """
        found = self._of(example)
        return {"label_probabilities": found} if found else {}

    def knows_any(self, training: Sequence[TrainingExample]) -> bool:
        """Return whether some example has probabilities."""
        return any(self._of(example) for example in training)

    def check(self, training: Sequence[TrainingExample]) -> None:
        """Return if some example has probabilities.

        Raises:
            QualityError: none has.
        """
        if not self.knows_any(training):
            raise QualityError(
                "training.soft_labels: no row has the teacher's probabilities of the labels. A teacher served here "
                "gives them if no two labels begin with the same token of its tokenizer, and any teacher by the shares "
                "of its answers: set sampling.n to 4 or more with a temperature above 0, or leave soft_labels out."
            )

    def _of(self, example: TrainingExample) -> dict[str, float] | None:
        if example.is_given:
            return None
        index = (example.teacher_number or 1) - 1
        own = [line for line in self.lines.get(example.row["id"], ()) if teacher_index_of(line) == index]
        found = self._scored(own, index) or self._voted(own)
        # an answer that is no label, but is kept, says nothing about labels
        if found is None or not found.get(example.target):
            return None
        return {label: float(_FORMAT.format(share)) for label, share in found.items()}

    def _scored(self, own: Sequence[dict[str, Any]], index: int) -> dict[str, float] | None:
        scores = [line["label_scores"] for line in own if line["label_scores"]]
        if not scores:
            return None
        mean = np.mean([probabilities(one, self.priors[index]) for one in scores], axis=0)
        return dict(zip(self.labels, mean.tolist(), strict=True))

    def _voted(self, own: Sequence[dict[str, Any]]) -> dict[str, float] | None:
        if len(own) < 2:
            return None
        read = [self.skill.parse(line["text"], self.labels) for line in own if line["finish_reason"] == "stop"]
        votes = Counter(answer for answer in read if answer is not None)
        total = votes.total()
        return {label: votes[label] / total for label in self.labels} if total else None
