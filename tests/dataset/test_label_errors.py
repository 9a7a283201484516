import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhouse.dataset.label_errors import find_label_errors
from stillhouse.dataset.summary import LabelErrorCounts
from stillhouse.filters.settings import Filters
from stillhouse.skills.classification import Classification
from stillhouse.skills.math import Math
from stillhouse.skills.qa import Qa
from tests.support.builders import make_completion_line, make_row
from tests.support.dataset import LABELS, SKILL, build_dataset, label_scores, make_rollouts

NAMES = ("car", "pet", "home")
THREE = Classification(labels=NAMES)


def label_errors_of(rows, lines, skill=SKILL, labels=LABELS, prior=None):
    num_judged, found = find_label_errors(rows, lines, skill, labels, prior)
    return num_judged, {error["id"]: error for error in found}


@given(
    truth=st.lists(st.sampled_from(NAMES), min_size=12, max_size=40),
    doubt=st.floats(0.02, 0.5),
    data=st.data(),
)
@settings(max_examples=40)
def test_find_label_errors_swapped_labels_are_exactly_found(truth, doubt, data):
    swapped = data.draw(st.sets(st.integers(0, len(truth) - 1), min_size=1, max_size=max(1, len(truth) // 4)))
    # a teacher that is right, but not equally sure of every row: now and then it prefers another label of a row
    shares = [
        [1.0 - doubt if name == label else doubt / 2 * (1 + (n % 3) / 10) for name in NAMES]
        for n, label in enumerate(truth)
    ]
    labels = [NAMES[(NAMES.index(label) + 1) % 3] if n in swapped else label for n, label in enumerate(truth)]
    rows = [make_row(f"r{n}", label) for n, label in enumerate(labels)]
    lines = {f"r{n}": make_rollouts(f"r{n}", "x", scores=label_scores(*shares[n])) for n in range(len(truth))}
    num_judged, found = find_label_errors(rows, lines, THREE, NAMES, None)
    assert num_judged == len(truth)
    assert {error["id"] for error in found} == {f"r{n}" for n in swapped}
    assert all(error["teacher"] == truth[int(error["id"][1:])] for error in found)


def test_find_label_errors_unsure_teacher_ranks_below_sure_ones():
    rows = [make_row(f"c{n}", "car") for n in range(6)] + [make_row(f"p{n}", "pet") for n in range(6)]
    sure = {"car": label_scores(9, 1), "pet": label_scores(1, 9)}
    lines = {one["id"]: make_rollouts(one["id"], "x", scores=sure[one["label"]]) for one in rows}
    lines["c0"] = make_rollouts("c0", "x", scores=label_scores(1, 19))  # swapped
    lines["p1"] = make_rollouts("p1", "x", scores=label_scores(11, 9))  # a slip: hardly sure
    num_judged, found = find_label_errors(rows, lines, SKILL, LABELS, None)
    assert num_judged == 12
    assert [(one["id"], one["is_sure"]) for one in found] == [("c0", True), ("p1", False)]
    # by hand: c0 was given car, of which the teacher thinks 1 in 20
    assert (found[0]["score"], found[0]["confidence"]) == (pytest.approx(0.05), pytest.approx(0.95))
    assert found[1]["score"] == pytest.approx(0.45)


def test_find_label_errors_prior_is_subtracted_from_scores():
    rows = [make_row("a", "car")]
    lines = {"a": make_rollouts("a", "car", scores=[-0.1, -2.5])}
    assert label_errors_of(rows, lines)[1] == {}
    num_judged, found = label_errors_of(rows, lines, prior=[-0.05, -3.5])
    assert (num_judged, found["a"]["teacher"]) == (1, "pet")


def test_find_label_errors_without_scores_majority_decides():
    rows = [make_row(name, "car") for name in ("one voice", "most", "tie kept", "right", "unread")]
    lines = {
        "one voice": make_rollouts("one voice", "pet", "pet", "pet"),
        "most": make_rollouts("most", "pet", "car", "pet"),
        "tie kept": make_rollouts("tie kept", "car", "pet", "car"),
        "right": make_rollouts("right", "car", "car", "car"),
        "unread": make_rollouts("unread", "no idea", "no idea", "none"),
    }
    num_judged, found = label_errors_of(rows, lines)
    assert num_judged == 4
    assert list(found) == ["one voice", "most"]
    assert (found["one voice"]["score"], found["one voice"]["is_sure"]) == (0.0, True)
    assert (found["most"]["score"], found["most"]["is_sure"]) == (pytest.approx(1 / 3), False)


def test_find_label_errors_one_rollout_ranks_by_confidence_unknown_last():
    rows = [make_row(name, "car") for name in ("unknown", "unsure", "sure")]
    lines = {
        "unknown": make_rollouts("unknown", "pet", cumulative_logprob=None),
        "unsure": make_rollouts("unsure", "pet", cumulative_logprob=-1.2, completion_tokens=2),
        "sure": make_rollouts("sure", "pet", cumulative_logprob=-0.02, completion_tokens=2),
    }
    _, found = label_errors_of(rows, lines)
    assert list(found) == ["sure", "unsure", "unknown"]
    assert found["sure"]["confidence"] == pytest.approx(math.exp(-0.02))
    assert found["unknown"]["score"] is None


def test_find_label_errors_a_long_label_is_no_surer_than_a_short_one_of_equal_probability():
    rows = [make_row(name, "car") for name in ("one", "five")]
    lines = {
        name: make_rollouts(name, "pet", cumulative_logprob=math.log(0.3), completion_tokens=tokens)
        for name, tokens in (("one", 1), ("five", 5))
    }
    _, found = label_errors_of(rows, lines)
    assert [error["confidence"] for error in found.values()] == pytest.approx([0.3, 0.3])


def test_find_label_errors_free_answers_need_unanimous_rollouts():
    rows = [make_row(name, "Paris") for name in ("one voice", "torn", "half", "alone", "cut", "same")]
    lines = {
        "one voice": make_rollouts("one voice", "Lyon", "lyon.", "Lyon"),
        "torn": make_rollouts("torn", "Lyon", "Nice", "Lyon"),
        "half": make_rollouts("half", "Lyon", "Paris", "Lyon"),
        "alone": make_rollouts("alone", "Lyon"),
        "cut": [
            *make_rollouts("cut", "Lyon", "Lyon"),
            make_completion_line("cut", "Lyon", finish_reason="length", sample_index=2),
        ],
        "same": make_rollouts("same", "paris", "Paris", "Paris."),
    }
    num_judged, found = label_errors_of(rows, lines, skill=Qa(kind="qa"), labels=())
    assert list(found) == ["one voice"]
    assert found["one voice"]["given"] == ["Paris"]
    assert num_judged == 2  # and `same`, which it confirms


def test_find_label_errors_mathematics_compares_values():
    rows = [make_row("wrong", "#### 12"), make_row("right", "#### 0.5")]
    lines = {
        "wrong": make_rollouts("wrong", "so #### 13", "thus #### 13.0"),
        "right": make_rollouts("right", "so #### 1/2", "thus #### 0.50"),
    }
    num_judged, found = label_errors_of(rows, lines, skill=Math(kind="math"), labels=())
    assert (num_judged, list(found)) == (2, ["wrong"])


def test_write_dataset_label_errors_leave_training_rows_alone(tmp_path: Path):
    rows = {
        "train": [make_row("a"), make_row("b", "pet"), make_row("c", "car")],
        "examples": [make_row("e", "pet"), make_row("a", "pet")],
    }
    asked = [make_completion_line("a", "car", label_scores(8, 2))]
    more = [
        make_completion_line("b", "car", label_scores(9, 1)),
        make_completion_line("c", "car", label_scores(17, 3)),
        make_completion_line("e", "car", label_scores(19, 2)),
    ]
    written = {}
    for name, answers, filters in (("off", asked, Filters()), ("on", asked + more, Filters(check_labels=True))):
        folder = tmp_path / name
        folder.mkdir()
        summary, _, lines = build_dataset(folder, **rows, answers=answers, filters=filters, calibrations=("batch",))
        files = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
        written[name] = (summary, files, lines)
    (off, off_files, _), (on, on_files, lines) = written["off"], written["on"]
    found = lines["suspects"]
    assert [line["id"] for line in found] == ["e", "b"]  # an example with a training row's id is not asked
    assert on.suspects == LabelErrorCounts(judged=3, found=2, sure=sum(line["is_sure"] for line in found))
    assert on_files.pop("suspects.jsonl")
    assert (off, off_files) == (on.model_copy(update={"suspects": None}), on_files)


def test_find_label_errors_score_is_self_confidence_by_definition():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(20, 3))
    given_labels = [NAMES[n % 3] for n in range(20)]
    rows = [make_row(f"r{n}", label) for n, label in enumerate(given_labels)]
    lines = {f"r{n}": make_rollouts(f"r{n}", "x", scores=list(logits[n])) for n in range(20)}
    _, found = label_errors_of(rows, lines, skill=THREE, labels=NAMES)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert found
    for name, error in found.items():
        n = int(name[1:])
        assert error["score"] == pytest.approx(shares[n, n % 3])
        best = int(shares[n].argmax())
        mean = np.mean([shares[m, best] for m in range(20) if m % 3 == best])
        assert error["is_sure"] == (shares[n, best] >= mean)


def test_write_dataset_suspects_file_identifies_the_row(tmp_path: Path):
    options = {"use_references": False, "filters": Filters(verification=False)}
    _, _, lines = build_dataset(
        tmp_path,
        train=[make_row("a", "pet")],
        answers=[make_completion_line("a", "car", label_scores(9, 1))],
        **options,
    )
    assert lines["suspects"] == [
        {
            "id": "a",
            "source": "train",
            "prompt": "message a",
            "given": ["pet"],
            "teacher": "car",
            "score": pytest.approx(0.1),
            "confidence": pytest.approx(0.9),
            "is_sure": False,  # no row was given car: nothing says how sure the teacher is of those
        }
    ]
