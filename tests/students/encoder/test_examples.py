"""What an encoder student learns, as it is read from the training examples."""

import json
from pathlib import Path

import numpy as np
import pytest

from stillhouse.errors import DataError
from stillhouse.students.encoder.examples import label_names, read_examples

LABELS = ("car", "lost_or_stolen")


def write(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def row(text: str, label: str, **more: object) -> dict[str, object]:
    prompt = [{"role": "system", "content": "Sort."}, {"role": "user", "content": text}]
    return {"id": text, "prompt": prompt, "completion": [{"role": "assistant", "content": label}], **more}


def test_read_examples_has_places_of_labels_and_the_teachers_probabilities(tmp_path: Path):
    known = {"label_probabilities": {"lost_or_stolen": 0.75, "car": 0.25}}
    found = read_examples(write(tmp_path / "t.jsonl", row("a", "lost_or_stolen", **known), row("b", "car")), LABELS)
    assert found.texts == ["a", "b"]
    assert found.targets.tolist() == [1, 0]
    assert found.teacher.tolist() == [[0.25, 0.75], [0.0, 0.0]]
    assert found.num_taught == 1


def test_read_examples_refuses_an_answer_that_is_no_label(tmp_path: Path):
    with pytest.raises(DataError, match=r"2 labels, and 1 answers are none of them, first 'bike'.*unparsable"):
        read_examples(write(tmp_path / "t.jsonl", row("a", "bike"), row("b", "car")), LABELS)


def test_label_names_are_read_as_words_and_follow_the_rows(tmp_path: Path):
    names = label_names((*LABELS, "_"))
    assert names.texts == ["car", "lost or stolen", "_"]
    both = read_examples(write(tmp_path / "t.jsonl", row("a", "car")), LABELS) + label_names(LABELS)
    assert both.texts == ["a", "car", "lost or stolen"]
    np.testing.assert_array_equal(both.targets, [0, 0, 1])
    assert both.teacher.shape == (3, 2)
