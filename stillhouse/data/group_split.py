"""Keeps the rows of a group in one split."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stillhouse.data.duplicates import Finding, digest_keys
from stillhouse.data.groups import group_codes, group_of, links
from stillhouse.data.parquet_io import batches
from stillhouse.data.token_table import Flags, Hashes, Ints
from stillhouse.errors import DataError


@dataclass(frozen=True)
class Groups:
    """The groups of all rows."""

    names: Sequence[str | None]  # empty if no row has one
    codes: Ints  # equal for the rows of one group; -1: none

    def with_any(self, rows: Flags) -> Flags:
        """Return which rows are in `rows`, or in one group with such a row."""
        named = np.unique(self.codes[rows & (self.codes >= 0)])
        return np.asarray(rows | np.isin(self.codes, named))

    def drawn(self, draws: Hashes) -> Hashes:
        """Return `draws`, with the two numbers of a group for each of its rows: a grown group stays where it was."""
        rows = np.flatnonzero(self.codes >= 0)
        if not len(rows):
            return draws
        found = draws.copy()
        digests = [hashlib.sha256(str(self.names[row]).encode()).digest() for row in rows.tolist()]
        found[rows] = digest_keys(b"".join(digests))
        return found

    def links(self, chosen: Flags) -> Ints:
        """Return pairs of rows that join the `chosen` rows of each group."""
        return links(np.where(chosen, self.codes, -1))


def no_groups(num_rows: int) -> Groups:
    """Return the groups of rows that have none."""
    return Groups((), np.full(num_rows, -1, np.int64))


def read_groups(path: Path) -> Groups:
    """Return the groups of all rows in `path`, in its order."""
    names = [group_of(meta) for batch in batches(path, ["meta"]) for meta in batch.column("meta").to_pylist()]
    return Groups(names, group_codes(names))


def group_overlap(is_test: Flags, groups: Groups) -> Iterator[Finding]:
    """Yield the rows outside of test in whose group is a test row, with the first such row."""
    test = np.flatnonzero(is_test & (groups.codes >= 0))
    codes, first = np.unique(groups.codes[test], return_index=True)
    for row in np.flatnonzero(~is_test & np.isin(groups.codes, codes)).tolist():
        yield Finding(row, "group_in_test", int(test[first[np.searchsorted(codes, groups.codes[row])]]))


def check_groups(test: Ints, groups: Groups) -> None:
    """Refuse test rows that are all of one group.

    Raises:
        DataError: they are: nothing could be said about rows of another group.
    """
    codes = groups.codes[test]
    if len(test) > 1 and codes[0] >= 0 and (codes == codes[0]).all():
        raise DataError(
            f"All {len(test)} test rows are of one group (columns.group), so they say nothing about rows of other "
            "groups. Add test rows of other groups, raise data.test_fraction, or name a finer column."
        )
