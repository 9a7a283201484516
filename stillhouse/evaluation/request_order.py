"""Which test rows are asked one at a time, for latency: the same ones in the same order for every model."""

import numpy as np


def request_order(seed: int, num_requests: int, num_rows: int) -> list[int]:
    """Return the row of each request, drawn by `seed`: distinct rows if there are enough, else laps over all rows."""
    shuffled = [int(row) for row in np.random.default_rng(seed).permutation(num_rows)]
    return [shuffled[number % num_rows] for number in range(num_requests)]
