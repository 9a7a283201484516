"""Trains each alternative of logistic regression and measures it on the test rows, as it would be served: on a CPU."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sklearn.pipeline import Pipeline, make_pipeline
from threadpoolctl import threadpool_limits

from stillhouse.evaluation.alternatives.classifier import fit_classifier
from stillhouse.evaluation.alternatives.features import EncoderFeatures, tfidf_features
from stillhouse.evaluation.alternatives.texts import LabelledTexts
from stillhouse.evaluation.evidence import latency_numbers
from stillhouse.evaluation.request_order import request_order
from stillhouse.evaluation.roles import WITHOUT_TEACHER, ModelRole
from stillhouse.inference.encoder.files import EncoderFiles
from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder

_WITH_ENCODER = (ModelRole.ENCODER_LOGISTIC_REGRESSION, ModelRole.ENCODER_ON_TRAINING_EXAMPLES)
_ROLES = (
    ModelRole.TFIDF_LOGISTIC_REGRESSION,
    ModelRole.ENCODER_LOGISTIC_REGRESSION,
    ModelRole.TFIDF_ON_TRAINING_EXAMPLES,
    ModelRole.ENCODER_ON_TRAINING_EXAMPLES,
)


@dataclass(frozen=True)
class Timing:
    """How single requests are timed."""

    seed: int
    warm: int
    timed: int


class Predictor(Protocol):
    """Anything that gives each text an answer."""

    def predict(self, texts: Sequence[str]) -> Sequence[Any]:
        """Return an answer for each text."""
        ...


@dataclass
class Measured:
    """What came of each alternative, by its role."""

    answers: dict[ModelRole, list[str]] = field(default_factory=dict)
    measurements: dict[ModelRole, dict[str, Any]] = field(default_factory=dict)
    not_measured: dict[str, str] = field(default_factory=dict)  # why

    def lines(self, row_ids: Sequence[str]) -> list[dict[str, str]]:
        """Return the lines of an evaluation's answers; `row_ids` are in the order of the texts."""
        return [
            {"model": role, "row_id": row_id, "answer": answer, "text": answer}
            for role, answers in self.answers.items()
            for row_id, answer in zip(row_ids, answers, strict=True)
        ]


def measure_all(
    labelled: LabelledTexts,
    taught: LabelledTexts,
    texts: Sequence[str],
    timing: Timing,
    encoder: EncoderFiles | None,
    why_no_encoder: str = "",
    names: Sequence[str] = (),
) -> Measured:
    """Return the measurements of TF-IDF and of `encoder`, on the labels and on the student's training examples.

    `texts` are those of the test rows; `names` are the labels, whose words the encoder learns too. What can't be
    measured is named with the reason.

    Raises:
        ModelError: the encoder can't be used.
    """
    found = Measured()
    loaded = SentenceEncoder(encoder) if encoder else None
    for role in _ROLES:
        learnt, what = (labelled, "labels") if role in WITHOUT_TEACHER else (taught, "training examples")
        needs_encoder = role in _WITH_ENCODER
        why = why_no_encoder if needs_encoder and not loaded else learnt.why_not(what)
        if why:
            found.not_measured[role] = why
            continue
        notes = learnt.notes(what)
        if needs_encoder and names:
            learnt, notes = learnt.with_names(names), [f"{notes[0]}, and from the labels' names", *notes[1:]]
        model = train_alternative(learnt, loaded if needs_encoder else None, timing.seed)
        size = encoder.size_bytes if encoder and needs_encoder else 0
        answers, numbers = measure_alternative(model, texts, timing, size)
        found.answers[role] = answers
        found.measurements[role] = {**numbers, "notes": [*notes, *numbers["notes"]]}
    return found


def train_alternative(learnt: LabelledTexts, encoder: SentenceEncoder | None, seed: int) -> Pipeline:
    """Return logistic regression on the encoder's vectors, or on TF-IDF without one; it takes a list of texts."""
    features = EncoderFeatures(encoder) if encoder else tfidf_features()
    seen = features.fit_transform(learnt.texts)
    return make_pipeline(features, fit_classifier(seen, learnt.labels, seed))


def measure_alternative(
    model: Pipeline, texts: Sequence[str], timing: Timing, encoder_bytes: int = 0
) -> tuple[list[str], dict[str, Any]]:
    """Return the label of each text, and the model's measurements.

    `encoder_bytes` is the size of its encoder's weights.
    """
    answers, times = time_predictor(model, texts, timing)
    head = model[-1]
    return answers, {
        "engine": "onnxruntime + scikit-learn" if encoder_bytes else "scikit-learn",
        "weight_bytes": encoder_bytes + head.coef_.nbytes + head.intercept_.nbytes,
        **times,
        "notes": [f"regularisation C = {head.C:.3g}, by cross-validation"],
    }


def time_predictor(model: Predictor, texts: Sequence[str], timing: Timing) -> tuple[list[str], dict[str, Any]]:
    """Return the answer to each text, and the throughput and latency, on one core."""
    with threadpool_limits(limits=1):
        model.predict(texts[: timing.warm])
        started = time.perf_counter()
        answers = [str(label) for label in model.predict(texts)]
        seconds = time.perf_counter() - started
        latencies = _single_requests(model, texts, timing)
    return answers, {"requests_per_second": len(texts) / seconds, **latency_numbers(latencies)}


def _single_requests(model: Predictor, texts: Sequence[str], timing: Timing) -> list[float]:
    """Return the seconds of each timed request, on distinct texts if there are enough."""
    seconds = []
    for row in request_order(timing.seed, timing.warm + timing.timed, len(texts)):
        started = time.perf_counter()
        model.predict([texts[row]])
        seconds.append(time.perf_counter() - started)
    return seconds[timing.warm :]
