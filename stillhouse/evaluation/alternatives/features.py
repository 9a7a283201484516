"""What logistic regression sees of a text: TF-IDF of words and letters, or a frozen encoder's vector."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import hstack
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.pipeline import FeatureUnion

from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder

_GRAMS: dict[str, dict[str, Any]] = {
    "words": {"analyzer": "word", "token_pattern": r"(?u)\b\w+\b", "ngram_range": (1, 2)},
    "letters": {"analyzer": "char_wb", "ngram_range": (2, 5)},
}


def tfidf_features() -> FeatureUnion:
    """Return word 1-2-grams and 2-5-letter sequences inside words, both as sublinear TF-IDF."""
    return FeatureUnion([(name, TfidfVectorizer(**grams, sublinear_tf=True)) for name, grams in _GRAMS.items()])


class CountedGrams:
    """The grams of texts, counted once, so that many draws of them are weighted without reading a text again."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Count the grams of all texts."""
        self._counts = [CountVectorizer(**grams).fit_transform(texts) for grams in _GRAMS.values()]

    def tfidf(self, learnt: Any, asked: Any) -> tuple[Any, Any]:
        """Return the features of the texts `learnt` and `asked`, both indices, as `tfidf_features` fitted on `learnt`.

        Its columns are the grams that occur in the texts learnt, in some order.
        """
        weighted = []
        for counts in self._counts:
            seen = np.flatnonzero(np.asarray(counts[learnt].sum(axis=0)).ravel())
            weights = TfidfTransformer(sublinear_tf=True).fit(counts[learnt][:, seen])
            weighted.append([weights.transform(counts[rows][:, seen]) for rows in (learnt, asked)])
        ours, theirs = (hstack(parts, format="csr") for parts in zip(*weighted, strict=True))
        return ours, theirs


class EncoderFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc] # the library has no types
    """The vectors of a sentence encoder that is not trained."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        """Take a loaded encoder."""
        self.encoder = encoder

    def fit(self, texts: Sequence[str], labels: Any = None) -> "EncoderFeatures":
        """Learn nothing."""
        return self

    def transform(self, texts: Sequence[str]) -> Any:
        """Return one vector a text, [texts, dimensions]."""
        return self.encoder.encode(texts)
