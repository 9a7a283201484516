"""What rows in clusters are worth: how many rows that stand alone would say as much."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

# where few rows differ, how alike the rows of a cluster are can't be read off; so much of a cluster that is all alike
# is added to what was seen
_PRIOR_CLUSTERS = 0.5


def design_effect(
    sums: NDArray[np.float64], sizes: NDArray[np.float64], rows_spread: float, row_variance: float
) -> float:
    """Return the variance of a mean over clusters, as a multiple of that of as many rows alone.

    It is between 1 and that of clusters whose rows are all alike, sum(m^2) / n, and near the latter if few rows differ.

    Args:
        sums: of the rows' values in each cluster.
        sizes: rows of each cluster, m.
        rows_spread: squared deviations of all rows from their mean, summed.
        row_variance: of a row in the half of a cluster that is added.

    Source: J. N. K. Rao and A. J. Scott, A simple method for the analysis of clustered binary data, Biometrics 48
    (1992).
    """
    num_rows, num_clusters = sizes.sum(), sizes.size
    most = float((sizes**2).sum() / num_rows)
    added = _PRIOR_CLUSTERS * most * row_variance
    spread = ((sums - sizes * sums.sum() / num_rows) ** 2).sum() * num_clusters / (num_clusters - 1)
    return float(np.clip((spread + added * most) / (rows_spread + added), 1.0, most))


def wilson_bounds(share: float, num_rows: float, confidence: float, num_clusters: int) -> tuple[float, float]:
    """Return Wilson's interval of a share of `num_rows` rows, not always a whole number, by Student's t over clusters.

    Source: N. Dean and M. Pagano, Evaluating confidence interval methods for binomial proportions in clustered surveys,
    Journal of Survey Statistics and Methodology 3 (2015).
    """
    quantile = float(stats.t.isf((1 - confidence) / 2, num_clusters - 1))
    square = quantile**2 / num_rows
    middle = (share + square / 2) / (1 + square)
    reach = quantile * np.sqrt(share * (1 - share) / num_rows + square / (4 * num_rows)) / (1 + square)
    return float(middle - reach), float(middle + reach)
