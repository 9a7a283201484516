"""What logistic regression answers after learning 1, 2, 4, ... labels a class: the learning curve without a teacher."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from stillhouse.artifacts.handle import StageSummary
from stillhouse.evaluation.alternatives.classifier import STRENGTH_UNTRIED, in_few_dimensions
from stillhouse.evaluation.alternatives.draws import Draw, Rows, draw_rows, rows_of_orders
from stillhouse.evaluation.alternatives.features import CountedGrams
from stillhouse.evaluation.alternatives.texts import LabelledTexts
from stillhouse.evaluation.roles import ModelRole
from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder
from stillhouse.metrics.metric import Answers

CURVE_SCHEMA = pa.schema(
    [
        ("model", pa.string()),
        ("most_a_class", pa.int32()),
        ("labels", pa.int32()),
        ("order", pa.int32()),
        ("answers", pa.list_(pa.string())),
    ]
)
_FILE = "label_curve.parquet"

# the features of the rows that a draw learns from, and those of the texts asked
Features = Callable[[Rows], tuple[Any, Any]]
NO_ROWS = np.empty(0, dtype=np.intp)


class LabelCurveSummary(StageSummary):
    """The labelled rows and their classes, and why there is no curve."""

    labelled: int
    classes: tuple[str, ...]  # the labels that some row has
    rows: int  # that the draws are made of
    not_measured: str = ""


class LabelCurve(NamedTuple):
    """A line for each draw and learner, and how many labelled rows they were drawn from."""

    lines: list[dict[str, Any]]
    rows: int


@dataclass(frozen=True)
class Drawn:
    """What one learner answers after one draw; `answers` are in the order of the test rows."""

    model: ModelRole
    most_a_class: int
    labels: int
    order: int
    answers: Answers


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


def write_curve(out: Path, curve: LabelCurve) -> None:
    """Write label_curve.parquet into `out`."""
    pq.write_table(pa.Table.from_pylist(curve.lines, schema=CURVE_SCHEMA), out / _FILE, compression="zstd")


def read_curve(folder: Path) -> list[Drawn]:
    """Return the draws of a label_curve.parquet."""
    lines = pq.read_table(folder / _FILE).to_pylist()
    return [Drawn(**{**line, "model": ModelRole(line["model"])}) for line in lines]


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
