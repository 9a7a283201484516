"""A classifier's opinion of a prompt, multiplied with what its teacher finds of each label."""

import math
from pathlib import Path

import numpy as np
import pytest

from stillhouse.dataset.second_opinion import combined, combined_answers, read_opinions, write_opinions
from stillhouse.errors import QualityError
from stillhouse.evaluation.scored import Scored
from stillhouse.filters.settings import Filters
from tests.support.builders import make_row
from tests.support.dataset import build_dataset, label_scores, make_rollouts


def logs(*shares: float) -> list[float]:
    return [math.log(share) for share in shares]


ANSWERS = [
    *make_rollouts("r1", "car", scores=label_scores(6, 4)),
    *make_rollouts("r2", "car", scores=label_scores(9, 1)),
    *make_rollouts("r3", "pet", scores=label_scores(3, 7)),
]
OPINIONS = {"r1": logs(0.2, 0.8), "r2": logs(0.4, 0.6)}  # none of r3
ROWS = [make_row(name) for name in ("r1", "r2", "r3")]


@pytest.mark.parametrize("weight", [0.5, 1.0, 3.0])
def test_students_learn_the_product_of_both_normalised(weight: float, tmp_path: Path):
    _, taught, lines = build_dataset(
        tmp_path, train=ROWS, answers=ANSWERS, opinions=OPINIONS, opinion_weight=weight, label_probabilities=True
    )
    expected = {}
    for name, teacher, classifier in (("r1", (0.6, 0.4), (0.2, 0.8)), ("r2", (0.9, 0.1), (0.4, 0.6))):
        product = np.asarray(teacher) * np.asarray(classifier) ** weight
        expected[name] = dict(zip(("car", "pet"), product / product.sum(), strict=True))
    expected["r3"] = {"car": 0.3, "pet": 0.7}
    found = {line["id"]: line["label_probabilities"] for line in lines["train"]}
    assert found == {name: pytest.approx(one, rel=1e-5) for name, one in expected.items()}
    assert taught["train"] == {name: max(one, key=one.__getitem__) for name, one in expected.items()}


def test_least_probability_is_of_the_product(tmp_path: Path):
    # r1: 0.857 pet; r2: 0.69 car; r3, without an opinion: 0.7 pet
    opinions = {"r1": logs(0.1, 0.9), "r2": logs(0.2, 0.8)}
    options = {"train": ROWS, "answers": ANSWERS, "filters": Filters(min_probability=0.75, min_success_ratio=0.0)}
    _, taught, _ = build_dataset(tmp_path, **options, opinions=opinions, opinion_weight=1.0)
    assert taught["train"] == {"r1": "pet"}


def test_rows_with_labels_of_their_own_keep_them(tmp_path: Path):
    gold = make_row("gold", "car")
    _, taught, _ = build_dataset(
        tmp_path,
        train=[*ROWS, gold],
        answers=ANSWERS,
        opinions=OPINIONS | {"gold": logs(0.01, 0.99)},
        opinion_weight=9.0,
    )
    assert taught["train"]["gold"] == "car"


def test_suspects_are_what_the_teacher_alone_contradicts(tmp_path: Path):
    # a classifier that learnt from a row's label agrees with it
    answers = make_rollouts("gold", "pet", scores=label_scores(1, 99))
    gold = [make_row("gold", "car")]
    options = {"train": gold, "answers": answers, "filters": Filters(check_labels=True, min_success_ratio=0.0)}
    _, _, lines = build_dataset(tmp_path, **options, opinions={"gold": logs(0.999, 0.001)}, opinion_weight=1.0)
    assert [line["id"] for line in lines["suspects"]] == ["gold"]


def test_combined_calibrates_first_and_leaves_what_has_no_scores():
    lines = {"a": make_rollouts("a", "car", scores=[1.0, 2.0]), "b": make_rollouts("b", "car")}
    found, priors = combined(lines, [[0.5, 0.25], None], {"a": [-1.0, -2.0], "b": [-3.0, 0.0]}, 2.0, 2)
    assert found["a"][0]["label_scores"] == [-1.0, -2.0]
    assert found["b"] == lines["b"]
    assert priors == [[0.5, 0.25], [0.0, 0.0]]
    assert lines["a"][0]["label_scores"] == [1.0, 2.0]


def test_combined_without_opinions_is_what_was_given():
    lines = {"a": make_rollouts("a", "car")}
    assert combined(lines, [None], {}, 1.0, 2) == (lines, [None])


def test_combined_answers_without_scores_are_refused():
    with pytest.raises(QualityError, match="no answer has the teacher's probabilities"):
        combined({"a": make_rollouts("a", "car")}, [None], {"a": [0.0, 0.0]}, 1.0, 2)


def test_opinions_are_read_as_they_were_written(tmp_path: Path):
    write_opinions(tmp_path / "opinions.parquet", OPINIONS)
    assert read_opinions(tmp_path / "opinions.parquet") == OPINIONS


@pytest.mark.parametrize("prior", [None, [-0.2, -2.2]])
def test_test_rows_get_the_label_of_the_product_that_students_learn(prior: list[float] | None):
    given = {"r1": logs(0.6, 0.4), "r2": logs(0.9, 0.1), "r3": None}
    answers = {name: Scored("car", None, scores) for name, scores in given.items()}
    opinions = {"r1": logs(0.2, 0.8), "r2": logs(0.4, 0.6), "r3": logs(0.1, 0.9)}

    found = combined_answers(answers, prior, opinions, 1.0, ("car", "pet"))

    # 0.12 and 0.32; 0.36 and 0.06; of r3 only the teacher's answer is known. Less the prior, pet is 7 times as likely
    assert found == {"r1": "pet", "r2": "pet" if prior else "car", "r3": "car"}
