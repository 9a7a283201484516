"""How long the student without a teacher trains."""

import pytest

from stillhouse.recipe.training import Training
from stillhouse.students.labelled_steps import labelled_steps


@pytest.mark.parametrize(
    ("steps", "rows", "batch_size", "accumulation", "expected"),
    [
        (108, 60, 8, 1, 108),  # the demo: 14 epochs
        (18_000, 60, 8, 1, 800),  # 8 batches an epoch
        (18_000, 60, 8, 3, 300),
        (18_000, 5_000, 8, 1, 18_000),
        (50, 1, 8, 1, 50),
        (500, 1, 8, 1, 100),
    ],
)
def test_labelled_steps_are_equal_up_to_100_epochs(
    steps: int, rows: int, batch_size: int, accumulation: int, expected: int
):
    training = Training(batch_size=batch_size, gradient_accumulation=accumulation)
    assert labelled_steps(steps, rows, training) == expected
