"""Logistic regression whose strength of regularisation is chosen by cross-validation on the rows it learns from.

It is the bar for a distilled student, so it is set up to be strong.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, train_test_split
from threadpoolctl import threadpool_limits

# inverse strengths, a quarter of a decade apart. Vectors have length 1, so weak regularisation can win on small sets
STRENGTHS = tuple(float(c) for c in np.logspace(-1, 3, 17))
STRENGTH_UNTRIED = 10.0  # on banking77 within half a point of the best at 1 to 32 labels a class
_MAX_FOLDS = 5
_NO_LENGTH = 1e-7  # of the longest dimension's square: less is rounding of 32-bit vectors
# rows to choose on: all are learnt from, but 85 fits of TF-IDF to ten thousand would take half an hour
_MOST_TO_CHOOSE_ON = 2000


def fit_classifier(features: Any, labels: Sequence[str], seed: int) -> LogisticRegression:
    """Return logistic regression fitted on `features` [rows, dimensions] and one of at least two labels a row.

    C has the best accuracy of `STRENGTHS` in stratified cross-validation with up to 5 folds, of equals the least.
    A label with a single row is learnt, and counts in no fold. C is 10 if no label has two rows.
    """
    # the products are small, and several jobs of many threads spin against each other
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of labels with fewer rows than folds, which is meant
        return _regression(best_strength(features, labels, seed), seed).fit(features, list(labels))


def best_strength(features: Any, labels: Sequence[str], seed: int) -> float:
    """Return the C with the best accuracy in cross-validation, of equals the least.

    Of many rows it is chosen on 2,000, and made smaller in proportion: C weighs the sum of their losses.
    """
    counts = Counter(labels)
    chosen = np.asarray([at for at, label in enumerate(labels) if counts[label] > 1])
    share = min(1.0, _MOST_TO_CHOOSE_ON / max(1, chosen.size))
    if not chosen.size:
        return STRENGTH_UNTRIED
    known = np.asarray(labels)
    if chosen.size > _MOST_TO_CHOOSE_ON:
        chosen, _ = train_test_split(chosen, train_size=_MOST_TO_CHOOSE_ON, random_state=seed, shuffle=True)
    folds = StratifiedKFold(min(_MAX_FOLDS, max(Counter(known[chosen]).values())), shuffle=True, random_state=seed)
    if len(set(known[chosen])) < 2 or folds.n_splits < 2:
        return STRENGTH_UNTRIED
    search = GridSearchCV(_regression(1.0, seed), {"C": STRENGTHS}, scoring="accuracy", cv=folds, refit=False)
    search.fit(in_few_dimensions(features[chosen])[0], known[chosen])
    return float(search.best_params_["C"]) * share


def in_few_dimensions(features: Any, asked: Any = None) -> tuple[Any, Any]:
    """Return `features` with at most as many dimensions as rows and the rows' products unchanged, and `asked` likewise.

    Regularised by the sum of squares, regression depends on the products alone, and TF-IDF has ten thousands of
    dimensions. Of `asked`, other rows, the products with `features` are unchanged.
    """
    if features.shape[1] <= features.shape[0]:
        return features, asked
    values, vectors = np.linalg.eigh(_dense(features @ features.T))
    kept = values > values.max(initial=0.0) * _NO_LENGTH
    lengths = np.sqrt(values[kept])
    theirs = None if asked is None else _dense(asked @ features.T) @ vectors[:, kept] / lengths
    return vectors[:, kept] * lengths, theirs


def _dense(products: Any) -> Any:
    return products.toarray() if hasattr(products, "toarray") else products


def _regression(strength: float, seed: int) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=2000, random_state=seed)
