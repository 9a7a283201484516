"""Answers as they are scored: what counts as unreadable, right, and a row's gold label.

Separate from the metrics because intervals and comparisons need it without the metrics' heavy imports.
"""

from collections.abc import Sequence

# stands for an answer that could not be read: a predicted class of its own, which is never right
UNPARSABLE = "\x00unparsable"


def known_answers(
    predictions: Sequence[str | None], references: Sequence[Sequence[str]], labels: Sequence[str]
) -> list[str]:
    """Return the answers with UNPARSABLE for those outside `labels`.

    Raises:
        ValueError: for no rows, unequal lengths, or a row without a reference.
    """
    check_rows(predictions, references)
    known = set(labels)
    return [UNPARSABLE if answer is None or answer not in known else answer for answer in predictions]


def check_rows(predictions: Sequence[str | None], references: Sequence[Sequence[str]]) -> None:
    """Return where every row has an answer, even an unreadable one, and a reference.

    Raises:
        ValueError: for no rows, unequal lengths, or a row without a reference.
    """
    if not predictions or len(predictions) != len(references):
        raise ValueError(
            f"{len(predictions)} answers for {len(references)} rows; give one answer a row, and at least one row"
        )
    if bare := [index for index, accepted in enumerate(references) if not accepted]:
        raise ValueError(f"rows {bare[:5]} have no reference; only rows with a gold answer can be scored")


def gold_labels(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> list[str]:
    """Return the one gold label each row counts for: the answer where it is accepted, else the first reference."""
    return [
        answer if answer in accepted else accepted[0] for answer, accepted in zip(predictions, references, strict=True)
    ]
