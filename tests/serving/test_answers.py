import asyncio
import math

import numpy as np
import pytest

from stillhouse.errors import ModelError
from stillhouse.serving.answers import Answer, Answerer
from stillhouse.serving.encoder_engine import EncoderEngine
from stillhouse.serving.engine import Wanted
from tests.support.served import LOGITS, TEMPERATURE, WORDS, record, write_student


def ask(answerer: Answerer, text: str) -> Answer:
    return asyncio.run(answerer.answer([{"role": "user", "content": text}], Wanted()))


def softmax_at(word: str) -> float:
    """The greatest probability of a label, with the temperature."""
    powers = np.exp(LOGITS[WORDS[word]] / TEMPERATURE)
    return float(powers.max() / powers.sum())


@pytest.fixture
def engine(tmp_path):
    return EncoderEngine(write_student(tmp_path), record(), threads=1)


@pytest.mark.parametrize(("word", "label"), [("invoice", "billing"), ("parcel", "delivery"), ("refund", "returns")])
def test_answer_of_an_encoder_has_its_label_and_the_certainty_of_the_evaluation(engine, word, label):
    found = ask(Answerer(engine, record()), word)
    assert (found.label, found.text, found.is_handed_back) == (label, label, False)
    assert math.isclose(found.confidence, softmax_at(word), rel_tol=1e-6)


def test_answer_below_the_threshold_is_the_teachers_and_no_other(engine):
    asked = []

    async def teacher(messages):
        asked.append(messages[-1]["content"])
        return "Label: billing"

    # refund 0.51, parcel 0.69, invoice 0.79
    answerer = Answerer(engine, record(), ask_teacher=teacher, threshold=0.6)
    found = [ask(answerer, word) for word in ("refund", "parcel", "invoice")]
    assert asked == ["refund"]
    assert [one.label for one in found] == ["billing", "delivery", "billing"]
    assert [one.is_handed_back for one in found] == [True, False, False]
    assert math.isclose(found[0].confidence, softmax_at("refund"), rel_tol=1e-6)


@pytest.mark.parametrize("said", [None, "I would rather not say", "billing or returns"])
def test_answer_without_a_readable_one_of_the_teacher_stays_the_students(engine, said):
    async def teacher(messages):
        return said

    found = ask(Answerer(engine, record(), ask_teacher=teacher, threshold=1.0), "refund")
    assert (found.label, found.is_handed_back) == ("returns", False)


def test_engine_with_labels_of_another_student_is_refused(tmp_path):
    with pytest.raises(ModelError, match="others: they are of different students"):
        EncoderEngine(write_student(tmp_path), record(labels=("a", "b", "c")))
