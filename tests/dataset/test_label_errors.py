import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhouse.dataset.label_errors import find_label_errors
from stillhouse.filters.settings import Filters
from stillhouse.skills.classification import Classification
from stillhouse.skills.math import Math
from stillhouse.skills.qa import Qa
from tests.dataset.test_build import LABELS, SKILL, answer, build, row

NAMES = ("car", "pet", "home")
THREE = Classification(labels=NAMES)


def scores(*shares: float) -> list[float]:
    """Log-probabilities of labels that stand to each other as `shares` do, shifted as logits may be."""
    return [math.log(share) - 3.0 for share in shares]


def said(name: str, *texts: str, label_scores: list[float] | None = None, **fields: Any) -> list[dict[str, Any]]:
    return [answer(name, text, label_scores, sample_index=n, **fields) for n, text in enumerate(texts)]


def suspects(rows, lines, skill=SKILL, labels=LABELS, prior=None):
    judged, found = find_label_errors(rows, lines, skill, labels, prior)
    return judged, {suspect["id"]: suspect for suspect in found}


@given(
    truth=st.lists(st.sampled_from(NAMES), min_size=12, max_size=40),
    doubt=st.floats(0.02, 0.5),
    data=st.data(),
)
@settings(max_examples=40)
def test_find_suspects_swapped_labels_stand_above_all_untouched_ones(truth, doubt, data):
    swapped = data.draw(st.sets(st.integers(0, len(truth) - 1), min_size=1, max_size=max(1, len(truth) // 4)))
    # a teacher that is right, but not equally sure of every row: now and then it prefers another label of a row
    shares = [
        [1.0 - doubt if name == label else doubt / 2 * (1 + (n % 3) / 10) for name in NAMES]
        for n, label in enumerate(truth)
    ]
    labels = [NAMES[(NAMES.index(label) + 1) % 3] if n in swapped else label for n, label in enumerate(truth)]
    rows = [row(f"r{n}", label) for n, label in enumerate(labels)]
    lines = {f"r{n}": said(f"r{n}", "x", label_scores=scores(*shares[n])) for n in range(len(truth))}
    judged, found = find_label_errors(rows, lines, THREE, NAMES, None)
    assert judged == len(truth)
    assert {suspect["id"] for suspect in found} == {f"r{n}" for n in swapped}
    assert all(suspect["teacher"] == truth[int(suspect["id"][1:])] for suspect in found)


def test_find_suspects_a_wrong_teacher_stands_below_the_swapped_rows_it_is_surer_of():
    rows = [row(f"c{n}", "car") for n in range(6)] + [row(f"p{n}", "pet") for n in range(6)]
    lines = {one["id"]: said(one["id"], "x", label_scores=scores(*((9, 1) if one["label"] == "car" else (1, 9))))
             for one in rows}  # fmt: skip
    lines["c0"] = said("c0", "x", label_scores=scores(1, 19))  # swapped
    lines["p1"] = said("p1", "x", label_scores=scores(11, 9))  # a slip: hardly sure
    judged, found = find_label_errors(rows, lines, SKILL, LABELS, None)
    assert judged == 12
    assert [(one["id"], one["is_sure"]) for one in found] == [("c0", True), ("p1", False)]
    # by hand: c0 was given car, of which the teacher thinks 1 in 20
    assert (found[0]["score"], found[0]["confidence"]) == (pytest.approx(0.05), pytest.approx(0.95))
    assert found[1]["score"] == pytest.approx(0.45)


def test_find_suspects_calibrated_scores_are_less_the_prior():
    rows = [row("a", "car")]
    lines = {"a": said("a", "car", label_scores=[-0.1, -2.5])}
    assert suspects(rows, lines)[1] == {}
    judged, found = suspects(rows, lines, prior=[-0.05, -3.5])
    assert (judged, found["a"]["teacher"]) == (1, "pet")


def test_find_suspects_without_scores_goes_by_the_majority_of_the_samples():
    rows = [row(name, "car") for name in ("one voice", "most", "tie kept", "right", "unread")]
    lines = {
        "one voice": said("one voice", "pet", "pet", "pet"),
        "most": said("most", "pet", "car", "pet"),
        "tie kept": said("tie kept", "car", "pet", "car"),
        "right": said("right", "car", "car", "car"),
        "unread": said("unread", "no idea", "no idea", "none"),
    }
    judged, found = suspects(rows, lines)
    assert judged == 4
    assert list(found) == ["one voice", "most"]
    assert (found["one voice"]["score"], found["one voice"]["is_sure"]) == (0.0, True)
    assert (found["most"]["score"], found["most"]["is_sure"]) == (pytest.approx(1 / 3), False)


def test_find_suspects_one_sample_goes_by_the_teachers_confidence_and_unknown_comes_last():
    rows = [row(name, "car") for name in ("unknown", "unsure", "sure")]
    lines = {
        "unknown": said("unknown", "pet", cumulative_logprob=None),
        "unsure": said("unsure", "pet", cumulative_logprob=-1.2, completion_tokens=2),
        "sure": said("sure", "pet", cumulative_logprob=-0.02, completion_tokens=2),
    }
    _, found = suspects(rows, lines)
    assert list(found) == ["sure", "unsure", "unknown"]
    assert found["sure"]["confidence"] == pytest.approx(math.exp(-0.01))
    assert found["unknown"]["score"] is None


def test_find_suspects_free_answers_need_all_samples_to_contradict_with_one_voice():
    rows = [row(name, "Paris") for name in ("one voice", "torn", "half", "alone", "cut", "same")]
    lines = {
        "one voice": said("one voice", "Lyon", "lyon.", "Lyon"),
        "torn": said("torn", "Lyon", "Nice", "Lyon"),
        "half": said("half", "Lyon", "Paris", "Lyon"),
        "alone": said("alone", "Lyon"),
        "cut": [*said("cut", "Lyon", "Lyon"), answer("cut", "Lyon", finish_reason="length", sample_index=2)],
        "same": said("same", "paris", "Paris", "Paris."),
    }
    judged, found = suspects(rows, lines, skill=Qa(kind="qa"), labels=())
    assert list(found) == ["one voice"]
    assert found["one voice"]["given"] == ["Paris"]
    assert judged == 2  # and `same`, which it confirms


def test_find_suspects_mathematics_goes_by_value():
    rows = [row("wrong", "#### 12"), row("right", "#### 0.5")]
    lines = {
        "wrong": said("wrong", "so #### 13", "thus #### 13.0"),
        "right": said("right", "so #### 1/2", "thus #### 0.50"),
    }
    judged, found = suspects(rows, lines, skill=Math(kind="math"), labels=())
    assert (judged, list(found)) == (2, ["wrong"])


def test_write_dataset_suspects_change_nothing_that_is_trained_on(tmp_path: Path):
    rows = {"train": [row("a"), row("b", "pet"), row("c", "car")], "examples": [row("e", "pet"), row("a", "pet")]}
    asked = [answer("a", "car", scores(8, 2))]
    more = [answer("b", "car", scores(9, 1)), answer("c", "car", scores(17, 3)), answer("e", "car", scores(19, 2))]
    written = {}
    for name, answers, filters in (("off", asked, Filters()), ("on", asked + more, Filters(check_labels=True))):
        folder = tmp_path / name
        folder.mkdir()
        summary, _, lines = build(folder, **rows, answers=answers, filters=filters, calibrations=("batch",))
        files = {path.name: path.read_bytes() for path in (folder / "out").iterdir()}
        written[name] = (summary, files, lines)
    (off, off_files, _), (on, on_files, lines) = written["off"], written["on"]
    found = lines["suspects"]
    assert [line["id"] for line in found] == ["e", "b"]  # an example with a training row's id is not asked
    assert on.pop("suspects") == {"judged": 3, "found": 2, "sure": sum(line["is_sure"] for line in found)}
    assert on_files.pop("suspects.jsonl")
    assert (off, off_files) == (on, on_files)


def test_find_suspects_score_is_the_self_confidence_of_its_definition():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(20, 3))
    given_labels = [NAMES[n % 3] for n in range(20)]
    rows = [row(f"r{n}", label) for n, label in enumerate(given_labels)]
    lines = {f"r{n}": said(f"r{n}", "x", label_scores=list(logits[n])) for n in range(20)}
    _, found = suspects(rows, lines, skill=THREE, labels=NAMES)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert found
    for name, suspect in found.items():
        n = int(name[1:])
        assert suspect["score"] == pytest.approx(shares[n, n % 3])
        best = int(shares[n].argmax())
        mean = np.mean([shares[m, best] for m in range(20) if m % 3 == best])
        assert suspect["is_sure"] == (shares[n, best] >= mean)


def test_suspects_file_holds_what_a_person_needs_to_find_the_row(tmp_path: Path):
    options = {"use_references": False, "filters": Filters(verification=False)}
    _, _, lines = build(tmp_path, train=[row("a", "pet")], answers=[answer("a", "car", scores(9, 1))], **options)
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
