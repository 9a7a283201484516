"""What logistic regression answers after learning 1, 2, 4, ... labels a class: the learning curve without a teacher."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from stillhouse.evaluation.alternatives.classifier import STRENGTH_UNTRIED, in_few_dimensions
from stillhouse.evaluation.alternatives.draws import Draw, Rows, draw_rows, rows_of_orders
from stillhouse.evaluation.alternatives.features import CountedGrams
from stillhouse.evaluation.alternatives.label_curve import LabelCurve
from stillhouse.evaluation.alternatives.texts import LabelledTexts
from stillhouse.evaluation.roles import ModelRole
from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder

# the features of the rows that a draw learns from, and those of the texts asked
Features = Callable[[Rows], tuple[Any, Any]]
NO_ROWS = np.empty(0, dtype=np.intp)


class Learner(NamedTuple):
    """What learns from a draw."""

    role: ModelRole
    labels: NDArray[np.str_]  # of each row
    features: Features
    always: Rows = NO_ROWS  # rows that it learns with every draw, which are no labelled ones


def measure_curve(
    labelled: LabelledTexts,
    texts: Sequence[str],
    seed: int,
    encoder: SentenceEncoder | None,
    names: Sequence[str] = (),
) -> LabelCurve:
    """Return the answers to `texts` after each draw, of TF-IDF and of `encoder`, each with logistic regression.

    With each draw the encoder learns the labels' `names` too, as the alternative on all labels does. Each text is
    counted and encoded once. No line is made if every class has one row, or there is one class.
    """
    if labelled.why_not("labels"):
        return LabelCurve([], 0)
    rows = rows_of_orders(labelled.labels, seed)
    labels = [labelled.labels[row] for row in rows]
    draws = list(draw_rows(labels, seed))
    if not draws:
        return LabelCurve([], len(rows))
    drawn = LabelledTexts([labelled.texts[row] for row in rows], labels, len(rows))
    learners = _learners(drawn, texts, encoder, names)
    # the products are small, and several jobs of many threads spin against each other
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of many classes with one row, which is meant
        lines = [answer_draw(learner, draw) for learner in learners for draw in draws]
    return LabelCurve(lines, len(rows))


def _learners(
    drawn: LabelledTexts, texts: Sequence[str], encoder: SentenceEncoder | None, names: Sequence[str]
) -> Iterator[Learner]:
    """Yield each learner with its features of a draw."""
    asked = np.arange(len(drawn.texts), len(drawn.texts) + len(texts))
    grams = CountedGrams([*drawn.texts, *texts])
    labels = np.asarray(drawn.labels)
    yield Learner(ModelRole.TFIDF_LOGISTIC_REGRESSION, labels, lambda rows: grams.tfidf(rows, asked))
    if encoder:
        learnt = drawn.with_names(names)
        vectors, asked_vectors = encoder.encode(learnt.texts), encoder.encode(texts)
        always = np.arange(len(drawn.texts), len(learnt.texts))
        yield Learner(
            ModelRole.ENCODER_LOGISTIC_REGRESSION,
            np.asarray(learnt.labels),
            lambda rows: (vectors[rows], asked_vectors),
            always,
        )


def answer_draw(learner: Learner, draw: Draw) -> dict[str, Any]:
    """Return the line of what logistic regression answers after learning one draw of the labelled rows."""
    rows = np.concatenate([draw.rows, learner.always])
    seen, asked = in_few_dimensions(*learner.features(rows))
    # no cross-validation: it would take 85 fits for one, and of few rows it chooses badly
    model = LogisticRegression(C=STRENGTH_UNTRIED, max_iter=2000).fit(seen, learner.labels[rows])
    return {
        "model": learner.role,
        "most_a_class": draw.most_a_class,
        "labels": len(draw.rows),
        "order": draw.order,
        "answers": model.predict(asked).tolist(),
    }
