"""What answers in free text are worth without any model: the answer of the most similar row, or the text's opening."""

import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from stillhouse.data.row import Row, prompt_text
from stillhouse.evaluation.alternatives.features import tfidf_features
from stillhouse.evaluation.alternatives.measure import Measured, Timing, time_predictor
from stillhouse.evaluation.roles import ModelRole
from stillhouse.text.words import opening, words


class AnsweredTexts(NamedTuple):
    """Texts of labelled rows, each with the answer that its row names first."""

    texts: list[str]
    answers: list[str]


class NearestAnswer:
    """Gives each text the answer of the most similar labelled text: cosine of TF-IDF, of equals the first."""

    engine = "scikit-learn"

    def __init__(self, learnt: AnsweredTexts) -> None:
        """Index the labelled texts; at least one."""
        self._features = tfidf_features()
        self._indexed: Any = self._features.fit_transform(learnt.texts)
        self._answers = learnt.answers
        self.weight_bytes = self._indexed.data.nbytes + self._indexed.indices.nbytes
        self.notes = [f"the answer of the most similar of {len(learnt.texts):,} labelled rows"]

    def predict(self, texts: Sequence[str]) -> list[str]:
        """Return an answer for each text."""
        found = np.asarray((self._features.transform(texts) @ self._indexed.T).argmax(axis=1))
        return [self._answers[at] for at in found.ravel().tolist()]


class Opening:
    """Gives each text its own first words as its answer, as many as the labelled answers have in the median."""

    engine = "none"
    weight_bytes = 0

    def __init__(self, learnt: AnsweredTexts) -> None:
        """Take the length from the labelled answers; at least one."""
        self._length = round(statistics.median(len(words(answer)) for answer in learnt.answers))
        self.notes = [
            f"the first {self._length} words of the text, the median of {len(learnt.answers):,} labelled answers"
        ]

    def predict(self, texts: Sequence[str]) -> list[str]:
        """Return an answer for each text."""
        return [opening(text, self._length) for text in texts]


def texts_with_answers(rows: Sequence[Row]) -> AnsweredTexts:
    """Return the texts and first answers of the rows that have a reference, each pair once."""
    pairs = dict.fromkeys((prompt_text(row["messages"]), row["references"][0]) for row in rows if row["references"])
    return AnsweredTexts([text for text, _ in pairs], [answer for _, answer in pairs])


def measure_free_text(learnt: AnsweredTexts, texts: Sequence[str], timing: Timing, *, with_opening: bool) -> Measured:
    """Return the answers to `texts`, those of the test rows, and the measurements of each way without a model.

    What can't be measured is named with the reason.
    """
    found = Measured()
    ways: dict[ModelRole, type[NearestAnswer | Opening]] = {ModelRole.NEAREST_LABELLED_ANSWER: NearestAnswer}
    if with_opening:
        ways[ModelRole.OPENING_OF_TEXT] = Opening
    for role, way in ways.items():
        if not learnt.texts:
            found.not_measured[role] = "no labelled row has an answer"
            continue
        model = way(learnt)
        found.answers[role], times = time_predictor(model, texts, timing)
        numbers = {"engine": model.engine, "weight_bytes": model.weight_bytes, **times, "notes": model.notes}
        found.measurements[role] = numbers
    return found
