"""Draws prompts at random, so that more prompts draw the same ones and others: a file that grows asks nothing again."""

import hashlib
from collections.abc import Iterable


def in_random_order(ids: Iterable[str], seed: int, what: str = "") -> list[str]:
    """Return the distinct ids in an order that `seed` and the ids alone decide; `what` names another draw of one seed.

    Each id has a place of its own on a line, whatever others there are: the SHA-256 of seed, draw and id.
    """

    def place(one: str) -> bytes:
        return hashlib.sha256(f"{seed}\0{what}\0{one}".encode("utf-8", "surrogatepass")).digest()

    return sorted(dict.fromkeys(ids), key=place)


def first_size(num_prompts: int, share: float) -> int:
    """Return how many of so many prompts the first round asks: the share, at least one."""
    return min(num_prompts, max(1, round(share * num_prompts)))


def later_size(num_prompts: int, share: float, num_later: int, each: int | None) -> int:
    """Return how many prompts each later round asks: `each`, or what the first leaves in `num_later` equal parts."""
    if each is not None:
        return each
    left = num_prompts - first_size(num_prompts, share)
    return -(-left // num_later)


def most_requests(num_prompts: int, share: float, num_later: int, each: int | None) -> int:
    """Return how many of the prompts all rounds together ask at most."""
    sizes = later_size(num_prompts, share, num_later, each) * num_later
    return min(num_prompts, first_size(num_prompts, share) + sizes)
