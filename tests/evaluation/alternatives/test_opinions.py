"""What a classifier on the labelled rows thinks of prompts."""

from pathlib import Path

import numpy as np
import pytest

from stillhouse.evaluation.alternatives.measure import train_alternative
from stillhouse.evaluation.alternatives.opinions import label_opinions
from stillhouse.evaluation.alternatives.texts import LabelledTexts
from stillhouse.inference.encoder.files import find_encoder
from stillhouse.inference.encoder.sentence_encoder import SentenceEncoder
from stillhouse.recipe.encoder import Encoder
from tests.support.encoder import write_encoder

LEARNT = LabelledTexts(["car", "car red", "dog", "dog red"], ["vehicle", "vehicle", "animal", "animal"], 4)


@pytest.fixture
def encoder(tmp_path: Path) -> SentenceEncoder:
    files = find_encoder(Encoder(model=str(write_encoder(tmp_path))))
    assert files
    return SentenceEncoder(files)


@pytest.mark.parametrize("labels", [("vehicle", "animal"), ("animal", "vehicle")])
def test_label_opinions_are_in_the_order_of_the_labels(labels: tuple[str, str], encoder: SentenceEncoder):
    found = np.asarray(label_opinions(LEARNT, labels, ["car", "dog", "red"], encoder, seed=0))
    assert np.exp(found).sum(axis=1) == pytest.approx([1, 1, 1])
    assert [labels[at] for at in found[:2].argmax(axis=1)] == ["vehicle", "animal"]


def test_label_opinions_agree_with_the_alternative_that_learns_the_same(encoder: SentenceEncoder):
    texts = ["car", "dog", "car dog red", "red red dog"]
    labels = ("animal", "vehicle")
    found = np.asarray(label_opinions(LEARNT, labels, texts, encoder, seed=0))
    model = train_alternative(LEARNT.with_names(labels), encoder, 0)
    assert [labels[at] for at in found.argmax(axis=1)] == list(model.predict(texts))


def test_label_opinions_of_no_text_are_none(encoder: SentenceEncoder):
    assert label_opinions(LEARNT, ("animal", "vehicle"), [], encoder, seed=0) == []
