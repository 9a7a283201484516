"""Finds the labelled rows nearest to a message, as examples in the teacher's prompt."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stillhouse.data.row import Row, normalise, prompt_text
from stillhouse.errors import DataError

Scores = NDArray[np.float64]
Flags = NDArray[np.bool_]

# scores closer than this count as equal and go by the examples' order, so that rounding never decides
_DECIMALS = 9

BATCH_ROWS = 512
_MOST_SCORES = 1 << 22  # at once: 32 MiB a matrix, and there are several


class Lookalikes:
    """Tells which examples are a row itself (same id or content) or one of its near-duplicates."""

    def __init__(self, examples: Sequence[Row], near_duplicate_threshold: float = 0.8) -> None:
        """Index `examples`; rows whose word-set Jaccard reaches the threshold count as near-duplicates."""
        self._overlap = _word_jaccard([_text(row) for row in examples])
        self._threshold = near_duplicate_threshold
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, row in enumerate(examples):
            for name in _names(row):
                self._places[name].append(place)

    def of(self, rows: Sequence[Row]) -> Flags:
        """Return which examples may not be shown with each row: shape (rows, examples)."""
        found: Flags = self._overlap([_text(row) for row in rows]) >= self._threshold
        for flags, row in zip(found, rows, strict=True):
            for name in _names(row):
                flags[self._places.get(name, [])] = True
        return found


def _names(row: Row) -> tuple[str, str]:
    return f"id {row['id']}", f"content {row['content_sha256']}"


class Retriever:
    """An index over labelled rows; built once, queried for many messages."""

    def __init__(
        self,
        examples: Sequence[Row],
        kind: Literal["tfidf", "bm25"],
        near_duplicate_threshold: float = 0.8,
    ) -> None:
        """Index `examples`; rows whose word-set Jaccard reaches the threshold count as near-duplicates.

        Raises:
            DataError: there are no examples.
        """
        if not examples:
            raise DataError(
                "the teacher's prompt shows retrieved examples, but no labelled rows are left to retrieve from; "
                "add `data.examples`, or set `prompt.examples` to 0"
            )
        self.examples = list(examples)
        texts = [_text(row) for row in self.examples]
        self._score = _tfidf(texts) if kind == "tfidf" else _bm25(texts)
        self._lookalikes = Lookalikes(self.examples, near_duplicate_threshold)

    def nearest(self, row: Row, k: int) -> list[Row]:
        """Return the `k` examples nearest to `row`, the nearest last: right before the message it helps with.

        The row itself (same id or content) and its near-duplicates are never among them; equal scores go by the
        examples' order. Fewer than `k` are returned if no more are left.
        """
        return self.nearest_all([row], k)[0]

    def nearest_all(self, rows: Sequence[Row], k: int, beat: Callable[[], None] = lambda: None) -> list[list[Row]]:
        """Return `nearest` of each row, scored in batches with the same results; `beat` is called for each batch."""
        found: list[list[Row]] = []
        size = max(1, min(BATCH_ROWS, _MOST_SCORES // len(self.examples)))
        for start in range(0, len(rows), size):
            beat()
            batch = rows[start : start + size]
            scores = np.round(self._score([_text(row) for row in batch]), _DECIMALS)
            scores[self._lookalikes.of(batch)] = -np.inf
            found += [[self.examples[place] for place in _top(of_row, k)] for of_row in scores]
        return found


def _top(scores: Scores, k: int) -> list[int]:
    """Return the places of the `k` best scores, the best last; of equal ones the first are taken. -inf is none."""
    least = np.partition(scores, -k)[-k] if k < len(scores) else -np.inf
    places = np.flatnonzero((scores >= least) & (scores > -np.inf))
    best: list[int] = places[np.argsort(-scores[places], kind="stable")][:k].tolist()
    return best[::-1]


def _text(row: Row) -> str:
    return normalise(prompt_text(row["messages"]))


def _tfidf(texts: list[str]) -> Callable[[list[str]], Scores]:
    """Cosine over words, word pairs and 3 to 5 letters inside words: meaning by wording, robust to typing errors."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    space = FeatureUnion(
        [
            ("words", TfidfVectorizer(analyzer="word", token_pattern=r"\S+", ngram_range=(1, 2), sublinear_tf=True)),
            ("letters", TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)),
        ]
    )
    indexed = space.fit_transform(texts).T.tocsr()  # turned once: a product turns it each time
    return lambda queries: np.asarray((space.transform(queries) @ indexed).toarray())


def _bm25(texts: list[str]) -> Callable[[list[str]], Scores]:
    import bm25s

    index = bm25s.BM25()
    index.index([text.split() for text in texts], show_progress=False)
    return lambda queries: np.stack([np.asarray(index.get_scores(text.split()), dtype=np.float64) for text in queries])


def _word_jaccard(texts: list[str]) -> Callable[[list[str]], Scores]:
    """Word-set Jaccard of each query with each indexed text; 0 if either has no words."""
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=str.split, binary=True, dtype=np.float64)
    indexed = counter.fit_transform(texts)
    indexed_sizes = np.asarray(indexed.sum(axis=1)).ravel()
    indexed = indexed.T.tocsr()

    def overlap(queries: list[str]) -> Scores:
        shared = np.asarray((counter.transform(queries) @ indexed).toarray())
        query_sizes = np.array([len(set(text.split())) for text in queries], dtype=np.float64)
        union = query_sizes[:, None] + indexed_sizes[None, :] - shared
        jaccard: Scores = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
        return jaccard

    return overlap
