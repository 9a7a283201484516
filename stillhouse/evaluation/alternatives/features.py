"""What logistic regression sees of a text: TF-IDF of words and letters, or a frozen encoder's vector."""

from collections.abc import Sequence
from typing import Any

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion

from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder


def tfidf_features() -> FeatureUnion:
    """Return word 1-2-grams and 2-5-letter sequences inside words, both as sublinear TF-IDF."""
    words = TfidfVectorizer(analyzer="word", token_pattern=r"(?u)\b\w+\b", ngram_range=(1, 2), sublinear_tf=True)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    return FeatureUnion([("words", words), ("letters", letters)])


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
