"""What an alternative learns from, and what is measured of it."""

import json

from stillhouse.evaluation.alternatives import texts
from stillhouse.evaluation.alternatives.measure import Timing, measure_all
from stillhouse.evaluation.alternatives.texts import LabelledTexts, texts_of_examples, texts_of_rows
from tests.support.builders import make_row

TIMING = Timing(seed=0, warm=2, timed=50)
WORDS = {"car": "my car broke down", "pet": "my dog is ill"}


def learnt(*labels: str) -> LabelledTexts:
    return LabelledTexts([f"{WORDS[label]} {at}" for at, label in enumerate(labels)], list(labels), len(labels))


def test_measure_all_without_encoder_measures_tfidf_and_says_why_no_more():
    found = measure_all(
        learnt("car", "pet"), learnt("car", "car", "pet"), ["the car", "a dog"], TIMING, None, "no encoder"
    )
    assert found.answers == {
        "tfidf_logistic_regression": ["car", "pet"],
        "tfidf_on_training_examples": ["car", "pet"],
    }
    assert found.not_measured == {
        "encoder_logistic_regression": "no encoder",
        "encoder_on_training_examples": "no encoder",
    }
    numbers = found.measurements["tfidf_on_training_examples"]
    assert numbers["latency_ms"]["n"] == 50
    assert numbers["weight_bytes"] > 0 < numbers["requests_per_second"]
    assert numbers["notes"][0] == "learnt from 3 training examples"
    json.dumps(found.measurements)


def test_measure_all_labels_of_one_class_are_named_and_the_rest_is_measured():
    found = measure_all(learnt("car", "car"), learnt("car", "pet"), ["the car"], TIMING, None, "no encoder")
    assert found.not_measured["tfidf_logistic_regression"] == "the 2 labels hold 1 different, and it takes two"
    assert list(found.answers) == ["tfidf_on_training_examples"]


def test_measure_all_no_labels_is_no_failure():
    found = measure_all(learnt(), learnt(), ["the car"], TIMING, None, "no encoder")
    assert (found.answers, len(found.not_measured)) == ({}, 4)


def test_with_names_adds_each_label_in_words_and_counts_no_more_labels():
    found = LabelledTexts(["where is it"], ["card_arrival"], 1).with_names(["card_arrival", "top-up"])
    assert found.texts == ["where is it", "card arrival", "top up"]
    assert found.labels == ["card_arrival", "card_arrival", "top-up"]
    assert found.notes("labels") == LabelledTexts(["x"] * 3, ["y"] * 3, 1).notes("labels")
    assert found.available == 1


def test_texts_of_rows_has_labelled_rows_each_text_once(tmp_path):
    # balancing may take a row several times
    rows = [make_row("a", "car", text="one"), make_row("a", "car", text="one"), make_row("b", text="two")]
    assert texts_of_rows(rows, seed=0) == LabelledTexts(["one"], ["car"], 1)


def test_texts_of_examples_reads_what_a_student_is_trained_on(tmp_path):
    line = {
        "id": "m1",
        "prompt": [{"role": "system", "content": "Say what."}, {"role": "user", "content": "one"}],
        "completion": [{"role": "assistant", "content": "car"}],
    }
    (tmp_path / "train.jsonl").write_text(json.dumps(line) + "\n")
    assert texts_of_examples(tmp_path / "train.jsonl", seed=0) == LabelledTexts(["one"], ["car"], 1)


def test_texts_more_than_the_most_are_drawn_and_said(monkeypatch):
    monkeypatch.setattr(texts, "MOST_TEXTS", 3)
    found = texts_of_rows([make_row(str(n), "car") for n in range(10)], seed=0)
    assert len(found.texts) == 3
    assert found.notes("labels") == ["learnt from 3 labels, drawn from 10"]
