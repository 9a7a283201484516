"""Logistic regression on TF-IDF: what it learns, and from how few rows."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from stillhouse.evaluation.alternatives import classifier
from stillhouse.evaluation.alternatives.classifier import STRENGTHS, best_strength, fit_classifier
from stillhouse.evaluation.alternatives.measure import train_alternative
from stillhouse.evaluation.alternatives.texts import LabelledTexts

TRAIN = [
    ("my card never arrived in the post", "arrival"),
    ("the card has not arrived yet", "arrival"),
    ("still waiting for my card to arrive", "arrival"),
    ("when will the new card arrive", "arrival"),
    ("i want a refund for this order", "refund"),
    ("please refund my purchase", "refund"),
    ("can you refund the payment", "refund"),
    ("no refund reached my account", "refund"),
    ("i forgot my password", "password"),
    ("reset the password please", "password"),
    ("my password does not work", "password"),
    ("change my password", "password"),
]


def answers(pairs: list[tuple[str, str]], asked: list[str], seed: int = 0) -> list[str]:
    learnt = LabelledTexts([text for text, _ in pairs], [label for _, label in pairs], len(pairs))
    return train_alternative(learnt, None, seed).predict(asked).tolist()


def test_tfidf_learns_wording_and_survives_typing_errors():
    asked = ["has my card arrived", "refnding the order", "pasword forgotten", "passwords"]
    assert answers(TRAIN, asked) == ["arrival", "refund", "password", "password"]


def test_tfidf_same_seed_same_answers():
    asked = ["card", "order payment", "what", ""]
    assert answers(TRAIN, asked, seed=5) == answers(TRAIN, asked, seed=5)


@pytest.mark.parametrize(
    "pairs",
    [TRAIN[3:5], TRAIN[3:6], [*TRAIN[:4], TRAIN[4]]],
    ids=["one row a label", "one label alone has two rows", "a label of one row beside a large one"],
)
def test_tfidf_labels_too_rare_for_folds_are_learnt_too(pairs):
    assert answers(pairs, ["a refund for this order", "the new card arrived"]) == ["refund", "arrival"]


def points(spread: float) -> tuple[np.ndarray, list[str]]:
    """Two classes of 40 points in 5 dimensions, of which the first alone separates them."""
    rng = np.random.default_rng(1)
    labels = ["a", "b"] * 40
    features = rng.normal(0, spread, (80, 5))
    features[:, 0] = np.where(np.asarray(labels) == "a", 0.05, -0.05)
    return features, labels


def test_best_strength_has_the_best_accuracy_of_plain_cross_validation():
    features, labels = points(spread=0.3)
    # the oracle: the same folds by hand, each strength fitted on four fifths and scored on the rest
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(features, labels))
    known = np.asarray(labels)
    scores = [
        np.mean([LogisticRegression(C=c).fit(features[t], known[t]).score(features[v], known[v]) for t, v in folds])
        for c in STRENGTHS
    ]
    assert best_strength(features, labels, seed=0) == pytest.approx(STRENGTHS[int(np.argmax(scores))])
    assert best_strength(features, labels, seed=0) == fit_classifier(features, labels, seed=0).C


def test_best_strength_more_dimensions_than_rows_chooses_what_it_would_with_few():
    features, labels = points(spread=0.3)
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(200, 5)))[0]  # orthonormal: products stay as they are
    assert best_strength(features @ turned.T, labels, seed=0) == best_strength(features, labels, seed=0)


def test_best_strength_of_many_rows_is_that_of_some_with_the_sum_of_losses_as_heavy(monkeypatch: pytest.MonkeyPatch):
    features, labels = points(spread=0.3)
    monkeypatch.setattr(classifier, "_MOST_TO_CHOOSE_ON", 40)
    rows, _ = train_test_split(np.arange(80), train_size=40, random_state=3, shuffle=True)
    some = best_strength(features[rows], np.asarray(labels)[rows].tolist(), seed=3)
    assert best_strength(features, labels, seed=3) == pytest.approx(some * 40 / 80)
