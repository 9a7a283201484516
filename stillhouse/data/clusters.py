"""Groups prompts without labels by their words: TF-IDF and k-means."""

from pathlib import Path

import numpy as np

from stillhouse.data.draws import draw_keys
from stillhouse.data.parquet_io import batches, count_rows, user_texts
from stillhouse.data.row import normalise

_SAMPLE_ROWS = 20_000  # words' weights and cluster centres are learnt on so many rows
_MAX_WORDS = 2_000


def cluster_names(path: Path, clusters: int, seed: int) -> list[str]:
    """Return for each row of `path` the name of its TF-IDF cluster: the cluster's three weightiest words."""
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    sample = _sample(path)
    vectors = TfidfVectorizer(max_features=_MAX_WORDS, sublinear_tf=True, token_pattern=r"\S+")
    matrix = vectors.fit_transform(sample)
    means = MiniBatchKMeans(min(clusters, len(sample)), random_state=seed, n_init=3, batch_size=2048).fit(matrix)
    words = vectors.get_feature_names_out()
    top = np.argsort(-means.cluster_centers_, axis=1, kind="stable")[:, :3]
    names = [f"{number:03d} {' '.join(words[row])}" for number, row in enumerate(top)]
    return [
        names[number]
        for batch in batches(path, ["messages"])
        for number in means.predict(vectors.transform([normalise(text) for text in user_texts(batch)])).tolist()
    ]


def _sample(path: Path) -> list[str]:
    """Return the normalised prompts of about _SAMPLE_ROWS rows, chosen by their content."""
    share = min(1.0, _SAMPLE_ROWS / max(count_rows(path), 1))
    texts: list[str] = []
    for batch in batches(path, ["messages"]):
        chosen = draw_keys(batch)[:, 0] / 2.0**64 < share
        texts += [normalise(text) for text, take in zip(user_texts(batch), chosen, strict=True) if take or share == 1.0]
    return texts
