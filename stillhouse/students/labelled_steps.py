"""How long the student without a teacher trains on the labelled rows: as long as the other, within reason."""

import math

from stillhouse.recipe.training import Training

# 50,000 training examples and 60 labels would make 2,400 epochs, and an opponent that has unlearnt all but its rows
MOST_EPOCHS = 100


def labelled_steps(steps: int, num_rows: int, training: Training) -> int:
    """Return `steps`, or those of 100 epochs over `num_rows` labelled rows if these are fewer."""
    batches = math.ceil(num_rows / training.batch_size)
    return min(steps, MOST_EPOCHS * math.ceil(batches / training.gradient_accumulation))
