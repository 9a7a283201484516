"""The halves of a slice that a contestant's students learn from: by the prompts' ids, the same for every contestant."""

import hashlib
from collections.abc import Collection, Iterable

SHARE = 0.5  # of the slice's prompts that one student learns from


def in_order(ids: Iterable[str], seed: int, what: str) -> list[str]:
    """Return the ids, each once, in an order by their hash: a longer list begins as a shorter one does, seldom else."""
    return sorted(set(ids), key=lambda one: hashlib.sha256(f"{seed}/{what}/{one}".encode()).digest())


def half_of(ids: Collection[str], seed: int, draw: int) -> frozenset[str]:
    """Return the half of the prompts that student `draw` learns from; of an odd number the larger half."""
    ordered = in_order(ids, seed, f"draw {draw}")
    return frozenset(ordered[: round(len(ordered) * SHARE + 0.25)])
