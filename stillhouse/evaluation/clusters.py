"""Test rows that belong together: models get them wrong together, so they say less than as many others."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stillhouse.data.groups import group_of
from stillhouse.data.row import Row

Clusters = NDArray[np.intp]  # of each row: the number of its cluster, from 0 without gaps


def clusters_of(rows: Sequence[Row]) -> Clusters | None:
    """Return the cluster of each row: its group, else the dialogue it is a reply of, else the row alone.

    None if every row is alone, or all are of one cluster, of which no interval could be made.
    """
    names = [_name(row, at) for at, row in enumerate(rows)]
    codes = np.unique(np.array(names, dtype=object), return_inverse=True)[1].astype(np.intp)
    num_clusters = int(codes.max()) + 1 if codes.size else 0
    return codes if 1 < num_clusters < len(rows) else None


def count_clusters(clusters: Clusters) -> int:
    """Return how many clusters there are."""
    return int(clusters.max()) + 1


def cluster_sums(values: NDArray[np.float64], clusters: Clusters) -> NDArray[np.float64]:
    """Return the sum of the rows' `values` in each cluster."""
    return np.bincount(clusters, weights=values).astype(np.float64)


def _name(row: Row, at: int) -> str:
    if group := group_of(row.get("meta") or "{}"):
        return f"group {group}"
    return f"dialogue {row['dialogue']}" if "dialogue" in row else f"row {at}"
