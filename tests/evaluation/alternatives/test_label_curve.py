"""The learning curve without a teacher: what is learnt from each draw, and what is written."""

from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from stillhouse.evaluation.alternatives.classifier import in_few_dimensions
from stillhouse.evaluation.alternatives.draws import draw_rows
from stillhouse.evaluation.alternatives.features import CountedGrams, tfidf_features
from stillhouse.evaluation.alternatives.label_curve import read_curve, write_curve
from stillhouse.evaluation.alternatives.measure_curve import measure_curve
from stillhouse.evaluation.alternatives.texts import LabelledTexts
from tests.support.encoder import FakeEncoder

TEXTS = {
    "arrival": [
        "my card never arrived in the post",
        "the card has not arrived",
        "still waiting for my card",
        "new card",
    ],
    "refund": ["i want a refund for this order", "please refund it", "can you refund the payment", "no refund came"],
    "password": ["i forgot my password", "reset the password please", "my password fails", "change my password"],
}
PAIRS = [(text, label) for label, texts in TEXTS.items() for text in texts]
LABELLED = LabelledTexts([text for text, _ in PAIRS], [label for _, label in PAIRS], len(PAIRS))
ASKED = ["has my card arrived", "refnding the order", "pasword forgotten", "what", ""]


def test_counted_grams_are_weighted_as_if_the_draw_had_been_read_alone():
    grams, learnt, asked = CountedGrams([*LABELLED.texts, *ASKED]), np.asarray([0, 4, 5, 9]), np.arange(12, 17)
    ours, theirs = grams.tfidf(learnt, asked)
    oracle = tfidf_features().fit([LABELLED.texts[row] for row in learnt])
    seen = oracle.transform([LABELLED.texts[row] for row in learnt])
    # columns may stand in another order: the products say the same
    np.testing.assert_allclose((ours @ ours.T).toarray(), (seen @ seen.T).toarray(), atol=1e-12)
    np.testing.assert_allclose((theirs @ ours.T).toarray(), (oracle.transform(ASKED) @ seen.T).toarray(), atol=1e-12)


def test_in_few_dimensions_keeps_products_also_of_rows_that_repeat():
    rng = np.random.default_rng(0)
    features, asked = rng.normal(size=(6, 40)), rng.normal(size=(3, 40))
    features[5] = features[4]
    reduced, theirs = in_few_dimensions(features, asked)
    assert reduced.shape == (6, 5)
    np.testing.assert_allclose(reduced @ reduced.T, features @ features.T, atol=1e-9)
    np.testing.assert_allclose(theirs @ reduced.T, asked @ features.T, atol=1e-9)


def test_measure_curve_answers_as_a_regression_fitted_on_each_draw():
    asked = ASKED[:3]  # texts without a known word are ties, which rounding decides
    found = measure_curve(LABELLED, asked, 7, None)
    assert found.rows == 12
    draws = list(draw_rows(LABELLED.labels, 7))
    assert len(found.lines) == len(draws) == 40
    for line, draw in list(zip(found.lines, draws, strict=True))[:6]:
        texts, labels = ([values[row] for row in draw.rows] for values in (LABELLED.texts, LABELLED.labels))
        features = tfidf_features()
        model = LogisticRegression(C=10.0, max_iter=2000).fit(features.fit_transform(texts), labels)
        assert line["answers"] == model.predict(features.transform(asked)).tolist()
        assert (line["labels"], line["order"]) == (len(texts), draw.order)


def test_measure_curve_encodes_each_text_once_and_is_read_back(tmp_path: Path):
    encoder = FakeEncoder()
    found = measure_curve(LABELLED, ASKED, 7, encoder)
    assert encoder.texts == [*LABELLED.texts, *ASKED]
    write_curve(tmp_path, found)
    read = read_curve(tmp_path)
    assert {one.model for one in read} == {"tfidf_logistic_regression", "encoder_logistic_regression"}
    assert [one.answers for one in read] == [line["answers"] for line in found.lines]


def test_measure_curve_encoder_learns_the_names_of_the_labels_with_every_draw():
    encoder = FakeEncoder()
    plain = measure_curve(LABELLED, ASKED, 7, FakeEncoder()).lines
    named = measure_curve(LABELLED, ASKED, 7, encoder, ["refund", "lost_card"]).lines
    assert "lost card" in encoder.texts
    by_encoder = [line for line in named if line["model"] == "encoder_logistic_regression"]
    assert len(by_encoder) == 40
    # a name is no hand label
    assert [line["labels"] for line in named] == [line["labels"] for line in plain]
    # a class that no draw has is learnt from its name alone
    assert "lost_card" in {answer for line in by_encoder for answer in line["answers"]}
    # letters say nothing of what a name means
    assert [line for line in named if line not in by_encoder] == plain[:40]


def test_measure_curve_without_two_labels_or_two_rows_a_class_holds_no_draw(tmp_path: Path):
    for texts, labels in (([], []), (["one", "two"], ["a", "a"]), (["one", "two"], ["a", "b"])):
        curve = measure_curve(LabelledTexts(texts, labels, len(texts)), ASKED, 0, None)
        write_curve(tmp_path, curve)
        assert read_curve(tmp_path) == []
