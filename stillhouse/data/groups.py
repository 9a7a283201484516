"""Groups of rows that belong together, such as those of one customer: what they are stored as, and their codes.

A group stands in a row's `meta`, so that rows without groups are stored as they always were.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
import orjson

from stillhouse.data.token_table import Ints

KEY = "@group"
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


def group_name(value: str) -> str:
    """Return what a group is stored as: 16 letters made of its SHA-256.

    Letters, since a search for personal data would take a group that is an e-mail or a number for some, replace both of
    two by the same mark, and so make one group of them.
    """
    return hashlib.sha256(value.encode()).hexdigest()[:16].translate(_LETTERS)


def group_of(meta: str) -> str | None:
    """Return the group in a row's meta; None if it has none."""
    return orjson.loads(meta).get(KEY) if f'"{KEY}"' in meta else None


def group_codes(groups: Iterable[str | None]) -> Ints:
    """Return a number for each row, equal for the rows of one group; -1 for a row of none."""
    codes: dict[str, int] = {}
    return np.array([-1 if group is None else codes.setdefault(group, len(codes)) for group in groups], np.int64)


def links(codes: Ints) -> Ints:
    """Return pairs of rows that join each group's rows: each row with the next of its group, shape (pairs, 2)."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    same = (ordered[1:] == ordered[:-1]) & (ordered[1:] >= 0)
    return np.stack([order[:-1][same], order[1:][same]], axis=1).astype(np.int64)
