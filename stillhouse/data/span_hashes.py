"""Hashes of any spans of a sequence of numbers, each in constant time."""

import functools

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(int(_PRIME), -1, 1 << 64))


class SpanHashes:
    """Polynomial hashes of any spans of a sequence, each in constant time."""

    def __init__(self, flat: Hashes) -> None:
        powers, self._inverses = _powers(1 << max(len(flat) - 1, 1).bit_length())
        self._sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(flat * powers[: len(flat)])])

    def __call__(self, starts: Ints, ends: Ints) -> Hashes:
        """Return the hash of flat[start:end] for each of the spans."""
        mixed = (self._sums[ends] - self._sums[starts]) * self._inverses[starts]
        return np.asarray((mixed ^ (mixed >> np.uint64(29))) * _PRIME, dtype=np.uint64)


@functools.lru_cache(maxsize=2)
def _powers(length: int) -> tuple[Hashes, Hashes]:
    """Return the first powers of _PRIME and of its inverse."""
    steps = np.full(length, _PRIME), np.full(length, _INVERSE)
    return np.cumprod(steps[0], dtype=np.uint64), np.cumprod(steps[1], dtype=np.uint64)
