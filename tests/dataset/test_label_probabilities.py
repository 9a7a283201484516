"""The teacher's probabilities of the labels in the rows that a student is trained on."""

import math

import pytest

from stillhouse.errors import QualityError
from stillhouse.filters.settings import Filters
from tests.support.builders import make_row
from tests.support.dataset import LABELS, build_dataset, label_scores, make_rollouts

SOFT = {"label_probabilities": True}


def probabilities_of(lines, split="train"):
    return {line["id"]: line.get("label_probabilities") for line in lines[split]}


def test_rows_hold_the_calibrated_probabilities_of_the_teacher_and_gold_rows_none(tmp_path):
    train = [make_row("r1"), make_row("r2"), make_row("gold", "pet")]
    answers = [
        *make_rollouts("r1", "car", scores=label_scores(8, 2)),
        *make_rollouts("r2", "car", scores=label_scores(2, 8)),
    ]
    held_out = {
        "validation": [make_row("v")],
        "answers": answers + make_rollouts("v", "car", scores=label_scores(1, 1)),
    }
    for folder, kind in (("plain", "none"), ("calibrated", "batch")):
        (tmp_path / folder).mkdir()
        _, _, lines = build_dataset(tmp_path / folder, train=train, calibrations=(kind,), **held_out, **SOFT)
        # the mean of the log-scores of r1 and r2 is the same for both labels: the prior changes nothing here
        found = probabilities_of(lines)
        assert found["r1"] == pytest.approx({"car": 0.8, "pet": 0.2})
        assert found["r2"] == pytest.approx({"car": 0.2, "pet": 0.8})
        assert found["gold"] is None
        assert probabilities_of(lines, "validation") == {"v": pytest.approx({"car": 0.5, "pet": 0.5})}


def test_labelled_row_that_the_teacher_answered_too_holds_none(tmp_path):
    train = [make_row("r1"), make_row("gold", "pet")]
    answers = [make_rollouts(name, "car", scores=label_scores(8, 2))[0] for name in ("r1", "gold")]
    options = {"filters": Filters(check_labels=True), "train": train, "answers": answers}
    _, taught, lines = build_dataset(tmp_path, **options, **SOFT)
    assert taught["train"] == {"r1": "car", "gold": "pet"}
    assert probabilities_of(lines) == {"r1": pytest.approx({"car": 0.8, "pet": 0.2}), "gold": None}


def test_prior_is_taken_out_of_the_probabilities(tmp_path):
    answers = [
        *make_rollouts("r1", "car", scores=label_scores(9, 1)),
        *make_rollouts("r2", "car", scores=label_scores(1, 1)),
    ]
    train = [make_row("r1"), make_row("r2")]
    _, _, lines = build_dataset(tmp_path, train=train, answers=answers, calibrations=("batch",), **SOFT)
    # the prior's odds are sqrt(9 * 1) = 3 for car, so that 9 : 1 is 3 : 1, and 1 : 1 is 1 : 3
    assert probabilities_of(lines) == {
        "r1": pytest.approx({"car": 0.75, "pet": 0.25}),
        "r2": pytest.approx({"car": 0.25, "pet": 0.75}),
    }


def test_unscored_samples_give_the_shares_of_their_answers(tmp_path):
    answers = make_rollouts("r1", "car", "pet", "car", "no label", "Car.")
    options = {"train": [make_row("r1"), make_row("r2")], "answers": answers + make_rollouts("r2", "car")}
    _, _, lines = build_dataset(tmp_path, **options, **SOFT)
    # one sample says nothing about the other labels: that row learns its answer alone
    assert probabilities_of(lines) == {"r1": {"car": 0.75, "pet": 0.25}, "r2": None}


def test_rows_hold_the_probabilities_of_the_teacher_that_gave_their_answer(tmp_path):
    answers = [
        *make_rollouts("r1", "car", scores=label_scores(7, 3), teacher_number=1),
        *make_rollouts("r1", "pet", scores=label_scores(1, 3), teacher_number=2),
        *make_rollouts("r2", "pet", teacher_number=1),
    ]
    options = {"train": [make_row("r1"), make_row("r2")], "answers": answers, "calibrations": ("none", "none")}
    _, _, lines = build_dataset(tmp_path, **options, **SOFT)
    found = {(line["id"], line["teacher"]): line.get("label_probabilities") for line in lines["train"]}
    assert found == {
        ("r1", 1): pytest.approx({"car": 0.7, "pet": 0.3}),
        ("r1", 2): pytest.approx({"car": 0.25, "pet": 0.75}),
        ("r2", 1): None,
    }


def test_rows_of_a_recipe_without_soft_labels_hold_none(tmp_path):
    answers = make_rollouts("r1", "car", scores=label_scores(8, 2))
    _, _, lines = build_dataset(tmp_path, train=[make_row("r1")], answers=answers)
    assert set(lines["train"][0]) == {"id", "prompt", "completion"}


def test_small_probabilities_keep_their_digits(tmp_path):
    answers = make_rollouts("r1", "car", scores=[0.0, math.log(1e-9)])
    _, _, lines = build_dataset(tmp_path, train=[make_row("r1")], answers=answers, **SOFT)
    assert probabilities_of(lines)["r1"]["pet"] == 1e-9
    assert list(probabilities_of(lines)["r1"]) == list(LABELS)


def test_no_row_with_probabilities_is_refused(tmp_path):
    options = {"train": [make_row("r1"), make_row("gold", "pet")], "answers": make_rollouts("r1", "car")}
    with pytest.raises(QualityError, match=r"training\.soft_labels: no row has .* set sampling\.n to 4 or more"):
        build_dataset(tmp_path, **options, **SOFT)
