"""What free answers are worth without any model."""

import json

import pytest

from stillhouse.evaluation.alternatives.free_text import (
    AnsweredTexts,
    NearestAnswer,
    Opening,
    measure_free_text,
    texts_with_answers,
)
from stillhouse.evaluation.alternatives.measure import Timing
from tests.support.builders import make_row

TIMING = Timing(seed=0, warm=1, timed=20)
LEARNT = AnsweredTexts(
    ["Wann öffnet das Hallenbad?", "How much is a day ticket?", "プールはいつ開きますか"],
    ["Um sieben Uhr.", "4 euros", "七時です"],
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wann öfnet das Hallenbad am Sonntag?", "Um sieben Uhr."),
        ("a day ticket for two, how much?", "4 euros"),
        ("プールはいつ", "七時です"),
        ("ٱلسَّلَامُ", "Um sieben Uhr."),  # nothing in common with any: the first
    ],
)
def test_nearest_answer_is_that_of_the_most_similar_labelled_text(text: str, expected: str):
    assert NearestAnswer(LEARNT).predict([text]) == [expected]


def test_opening_is_as_long_as_the_median_of_the_labelled_answers():
    # 3, 2 and 4 words: each character of a script without spaces is one
    model = Opening(LEARNT)
    assert model.predict(["One, two (three) four five.", "short"]) == ["One, two (three", "short"]
    assert model.notes == ["the first 3 words of the text, the median of 3 labelled answers"]


def test_measure_free_text_has_the_opening_only_where_it_can_stand_for_an_answer():
    texts = ["a day ticket", "Hallenbad"]
    both, one = (measure_free_text(LEARNT, texts, TIMING, with_opening=wanted) for wanted in (True, False))
    assert list(both.answers) == ["nearest_labelled_answer", "opening_of_text"]
    assert one.answers == {"nearest_labelled_answer": ["4 euros", "Um sieben Uhr."]}
    numbers = both.measurements["nearest_labelled_answer"]
    assert numbers["latency_ms"]["n"] == 20
    assert numbers["weight_bytes"] > 0 < numbers["requests_per_second"]
    assert both.measurements["opening_of_text"]["weight_bytes"] == 0
    json.dumps(both.measurements)


def test_measure_free_text_without_labelled_answers_says_so():
    found = measure_free_text(texts_with_answers([make_row("a", text="one")]), ["x"], TIMING, with_opening=True)
    assert found.answers == {}
    assert set(found.not_measured) == {"nearest_labelled_answer", "opening_of_text"}


def test_texts_with_answers_has_labelled_rows_each_pair_once():
    rows = [make_row("a", "car", text="one"), make_row("a", "car", text="one"), make_row("b", text="two")]
    assert texts_with_answers(rows) == AnsweredTexts(["one"], ["car"])
