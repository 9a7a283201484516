"""Answers as they are scored: which rows can be, and which answers count as unreadable."""

from collections.abc import Sequence

from stillhouse.metrics.metric import Answers, References
from stillhouse.skills.skill import Skill


def readable_answers(answers: Answers, references: References, labels: Sequence[str], skill: Skill) -> list[str | None]:
    """Return the answers with None for the unreadable ones; for a skill with labels also for those outside `labels`.

    Raises:
        ValueError: for no rows, unequal lengths, or a row without a reference.
    """
    if not answers or len(answers) != len(references):
        raise ValueError(
            f"{len(answers)} answers for {len(references)} rows; give one answer a row, and at least one row"
        )
    if bare := [index for index, accepted in enumerate(references) if not accepted]:
        raise ValueError(f"rows {bare[:5]} have no reference; only rows with a reference can be scored")
    known = frozenset(labels)
    return [None if skill.has_labels and answer not in known else answer for answer in answers]
