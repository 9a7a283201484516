"""How a step's rows are shared out among the processes of a training."""

from math import gcd

from stillhouse.recipe.training import Training


def share_of_batch(training: Training) -> tuple[int, int] | None:
    """Return (rows of one forward pass, forward passes of one step) of each process; None if it does not come out even.

    Their product times the processes is the recipe's own: a step sees the same rows whatever their number.
    """
    processes, passes = training.execution.processes, training.gradient_accumulation
    shared = gcd(passes, processes)
    rows, rest = divmod(training.batch_size, processes // shared)
    return None if rest else (rows, passes // shared)
