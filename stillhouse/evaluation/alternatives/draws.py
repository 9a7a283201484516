"""Draws of labelled rows: the first 1, 2, 4, ... of each class, in many orders of labelling."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# orders of labelling; large draws differ little among each other, and take seconds
NUM_ORDERS = 20
ORDERS_OF_LARGE = 10
LARGE = 650  # rows of a draw
# rows of the largest draw, and rows that the draws are made of: more would take minutes
MOST_DRAWN = 1300
MOST_ROWS = 2 * MOST_DRAWN

Rows = NDArray[np.intp]


class Draw(NamedTuple):
    """The labelled rows that are learnt from."""

    most_a_class: int  # a class with fewer rows gives all of them
    order: int
    rows: Rows  # indices of the labelled rows


def rows_of_orders(labels: Sequence[str], seed: int) -> Rows:
    """Return the rows that orders are made of: all, or of many equally many a class, at most 2,600."""
    ranks, counts = ranks_in_class(labels, np.random.default_rng(seed)), Counter(labels).values()
    most = max(counts, default=0)
    while most > 1 and sum(min(most, count) for count in counts) > MOST_ROWS:
        most -= 1
    return np.flatnonzero(ranks < most)


def draw_sizes(labels: Sequence[str]) -> list[int]:
    """Return 1, 2, 4, ... rows a class, as far as not every row is drawn and at most 1,300."""
    counts = Counter(labels).values()
    sizes, size = [], 1
    while size < max(counts, default=0) and sum(min(size, count) for count in counts) <= MOST_DRAWN:
        sizes.append(size)
        size *= 2
    return sizes


def draw_rows(labels: Sequence[str], seed: int) -> Iterator[Draw]:
    """Yield each size of each order; a smaller draw of an order is part of its larger ones, as labelling goes."""
    sizes = draw_sizes(labels)
    for order in range(NUM_ORDERS):
        ranks = ranks_in_class(labels, np.random.default_rng((seed, order)))
        for size in sizes:
            rows = np.flatnonzero(ranks < size)
            if len(rows) <= LARGE or order < ORDERS_OF_LARGE:
                yield Draw(size, order, rows)


def ranks_in_class(labels: Sequence[str], rng: np.random.Generator) -> Rows:
    """Return each row's place among those of its class, in random order."""
    ranks, met = np.empty(len(labels), dtype=np.intp), Counter[str]()
    for row in rng.permutation(len(labels)):
        ranks[row] = met[labels[row]]
        met[labels[row]] += 1
    return ranks
