"""What a classifier on the labelled rows thinks of other texts."""

from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from stillhouse.evaluation.alternatives.measure import train_alternative
from stillhouse.evaluation.alternatives.texts import LabelledTexts
from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder


def label_opinions(
    labelled: LabelledTexts, labels: Sequence[str], texts: Sequence[str], encoder: SentenceEncoder | None, seed: int
) -> list[list[float]]:
    """Return the log-probability of each of `labels` for each text (nats), [texts, labels].

    It is logistic regression on the vectors of `encoder`, or on TF-IDF without one, of the labelled texts and of the
    labels' names. Of the labelled rows it is the way without a teacher that a student is compared with.
    """
    if not texts:
        return []
    model = train_alternative(labelled.with_names(labels), encoder, seed)
    places = [list(model.classes_).index(label) for label in labels]
    with threadpool_limits(limits=1):
        found = model.predict_log_proba(texts)[:, places]
    return [[float(value) for value in row] for row in np.asarray(found)]
