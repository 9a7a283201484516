import pytest

from stillhouse.errors import DataError
from stillhouse.evaluation.tfidf_baseline import tfidf_logistic_regression

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
TEXTS, LABELS = [text for text, _ in TRAIN], [label for _, label in TRAIN]


def test_tfidf_logistic_regression_learns_wording_and_survives_typing_errors():
    asked = ["has my card arrived", "refnding the order", "pasword forgotten", "passwords"]
    assert tfidf_logistic_regression(TEXTS, LABELS, asked, seed=0) == ["arrival", "refund", "password", "password"]


def test_tfidf_logistic_regression_same_seed_same_answers():
    asked = ["card", "order payment", "what", ""]
    first = tfidf_logistic_regression(TEXTS, LABELS, asked, seed=5)
    assert first == tfidf_logistic_regression(TEXTS, LABELS, asked, seed=5)
    assert set(first) <= set(LABELS)


def test_tfidf_logistic_regression_labels_too_rare_for_folds_still_fit():
    answers = tfidf_logistic_regression(TEXTS[3:5], LABELS[3:5], ["a refund for this order", "the new card"], seed=0)
    assert answers == ["refund", "arrival"]


def test_tfidf_logistic_regression_no_test_texts_is_no_answers():
    assert tfidf_logistic_regression(TEXTS, LABELS, [], seed=0) == []


def test_tfidf_logistic_regression_one_label_is_refused_with_the_next_step():
    with pytest.raises(DataError, match=r"hold 1 different labels.*no_teacher_alternatives"):
        tfidf_logistic_regression(["a", "b"], ["x", "x"], ["c"], seed=0)
