"""The labelled rows of a recipe: all that a way without a teacher can learn from."""

from collections.abc import Sequence

from stillhouse.data.row import Row


def labelled_rows(train: Sequence[Row], examples: Sequence[Row]) -> list[Row]:
    """Return the training rows, then the examples, that have a reference.

    Validation and test rows are no part: a choice and a measurement are made on them.
    """
    return [row for row in [*train, *examples] if row["references"]]
