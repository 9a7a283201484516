"""Quick students of a contestant: logistic regression on what it would have the recipe's student learn."""

import json
import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from stillhouse.data.label_names import in_words
from stillhouse.data.row import prompt_text
from stillhouse.evaluation.alternatives.classifier import STRENGTH_UNTRIED, in_few_dimensions
from stillhouse.evaluation.alternatives.features import CountedGrams
from stillhouse.evaluation.alternatives.measure_curve import Features
from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder
from stillhouse.metrics.metric import Answers
from stillhouse.racing.halves import half_of


@dataclass(frozen=True)
class Lesson:
    """The training examples of one contestant: text and label of each, and the prompt's id."""

    ids: list[str]
    texts: list[str]
    labels: list[str]


def read_lesson(path: Path) -> Lesson:
    """Return the lines of a train.jsonl as `filter` writes it."""
    with path.open(encoding="utf-8") as stream:
        lines = [json.loads(line) for line in stream]
    return Lesson(
        ids=[line["id"] for line in lines],
        texts=[prompt_text(line["prompt"]) for line in lines],
        labels=[line["completion"][0]["content"] for line in lines],
    )


def answers_of_students(
    lessons: Sequence[Lesson],
    prompts: Sequence[Collection[str]],
    asked: Sequence[str],
    *,
    draws: int,
    seed: int,
    encoder: SentenceEncoder | None = None,
    names: Sequence[str] = (),
) -> list[list[Answers]]:
    """Return what each contestant's students answer to the texts `asked`: [contestants][draws][texts].

    Student k learns from a half of its contestant's `prompts`, by their ids: the same half if the prompts are the same.
    It learns from all examples of other rows too, which are labelled, and with an encoder from the labels' `names`.
    Without two labels to tell apart it gives the one that it knows, or none.
    """
    texts = list(dict.fromkeys(text for lesson in lessons for text in lesson.texts))
    features, always = _features(texts, asked, encoder, names)
    place = {text: at for at, text in enumerate(texts)}
    found = []
    # the products are small, and several jobs of many threads spin against each other
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of many classes with one row, which is meant
        for lesson, known in zip(lessons, map(frozenset, prompts), strict=True):
            rows, labels = np.asarray([place[text] for text in lesson.texts], dtype=np.intp), np.asarray(lesson.labels)
            is_learnt = [_mask(lesson.ids, known, half_of(known, seed, draw)) for draw in range(draws)]
            found.append(
                [_answer(features, rows[learnt], labels[learnt], always, names, len(asked)) for learnt in is_learnt]
            )
    return found


def _features(
    texts: Sequence[str], asked: Sequence[str], encoder: SentenceEncoder | None, names: Sequence[str]
) -> tuple[Features, Any]:
    """Return the features of texts by their places and of those asked, and the places that are always learnt."""
    if encoder is None:
        grams = CountedGrams([*texts, *asked])
        places = np.arange(len(texts), len(texts) + len(asked))
        return lambda rows: grams.tfidf(rows, places), np.empty(0, dtype=np.intp)
    vectors = encoder.encode([*texts, *map(in_words, names)])
    asked_vectors = encoder.encode(asked)
    return lambda rows: (vectors[rows], asked_vectors), np.arange(len(texts), len(texts) + len(names))


def _mask(ids: Iterable[str], prompts: frozenset[str], half: frozenset[str]) -> Any:
    return np.asarray([one in half or one not in prompts for one in ids], dtype=bool)


def _answer(features: Features, rows: Any, labels: Any, always: Any, names: Sequence[str], num_asked: int) -> Answers:
    seen = np.concatenate([rows, always])
    if always.size:
        labels = np.concatenate([labels, np.asarray(names)])
    if len(set(labels.tolist())) < 2:
        return [str(labels[0]) if labels.size else None] * num_asked
    learnt, asked = in_few_dimensions(*features(seen))
    model = LogisticRegression(C=STRENGTH_UNTRIED, max_iter=2000).fit(learnt, labels)
    return [str(label) for label in model.predict(asked)]
