import json

import pytest

from stillhouse.dataset.summary import WrittenRows
from stillhouse.errors import QualityError
from stillhouse.filters.combine import Mixing
from stillhouse.filters.settings import Filters
from stillhouse.skills.conversation import Conversation
from tests.support.builders import make_completion_line, make_row
from tests.support.dataset import LABELS, build_dataset


def test_write_dataset_trains_on_completions_of_the_bare_message(tmp_path):
    _, taught, lines = build_dataset(tmp_path, train=[make_row("a")], answers=[make_completion_line("a", " Car. ")])
    assert taught["train"] == {"a": "car"}
    assert lines["train"][0]["prompt"] == [{"role": "user", "content": "message a"}]


def test_write_dataset_with_references_trains_on_them(tmp_path):
    summary, taught, _ = build_dataset(
        tmp_path,
        train=[make_row("a"), make_row("b", "pet")],
        validation=[make_row("v", "car")],
        examples=[make_row("e", "pet")],
        answers=[make_completion_line("a", "car")],
    )
    assert taught["train"] == {"a": "car", "b": "pet", "e": "pet"}
    assert taught["validation"] == {"v": "car"}
    # a way without a teacher has these two labels; that of the validation row chooses, and is not learnt from
    assert taught["labelled"] == {"b": "pet", "e": "pet"}
    assert summary.rows == WrittenRows(train=3, validation=1, labelled=2)
    assert (summary.num_in, summary.kept) == (1, 1)


def test_write_dataset_without_references_trains_on_completions_alone(tmp_path):
    _, taught, _ = build_dataset(
        tmp_path,
        train=[make_row("a"), make_row("b", "pet")],
        examples=[make_row("e", "pet")],
        answers=[make_completion_line("a", "car"), make_completion_line("b", "pet")],
        use_references=False,
    )
    assert taught["train"] == {"a": "car", "b": "pet"}
    assert taught["labelled"] == {"b": "pet", "e": "pet"}


@pytest.mark.pitfall("join")
def test_write_dataset_shuffled_completions_are_joined_by_row_id(tmp_path):
    texts = {"a": "car", "b": "pet", "c": "pet", "v": "car"}
    _, taught, _ = build_dataset(
        tmp_path,
        train=[make_row("c"), make_row("a"), make_row("a"), make_row("b")],  # one of them taken twice, as balancing may
        validation=[make_row("v")],
        answers=[make_completion_line(name, texts[name]) for name in ("v", "b", "a", "c")],
    )
    assert taught["train"] | taught["validation"] == texts


@pytest.mark.pitfall("bad row")
def test_write_dataset_counts_kept_and_dropped_add_up(tmp_path):
    summary, taught, lines = build_dataset(
        tmp_path,
        train=[make_row(name) for name in "abcd"],
        validation=[make_row("v"), make_row("w")],
        answers=[
            make_completion_line("a", "car"),
            make_completion_line("b", "no idea"),
            make_completion_line("c", "pet", finish_reason="length"),
            # d was never answered
            make_completion_line("v", "pet"),
            make_completion_line("w", ""),
        ],
        filters=Filters(min_success_ratio=0.25),
    )
    assert (summary.num_in, summary.kept) == (6, 2)
    assert summary.dropped == {"unparsable": 1, "truncated": 1, "failed": 1, "empty": 1}
    assert {line["id"]: line["reason"] for line in lines["dropped"]} == {
        "b": "unparsable",
        "c": "truncated",
        "d": "failed",
        "w": "empty",
    }
    assert (taught["train"], taught["validation"]) == ({"a": "car"}, {"v": "pet"})
    assert summary.answers == {"car": 1, "pet": 1}


def test_write_dataset_too_few_completions_is_a_quality_error(tmp_path):
    with pytest.raises(QualityError, match=r"filters\.min_success_ratio"):
        build_dataset(
            tmp_path, train=[make_row("a"), make_row("b"), make_row("c")], answers=[make_completion_line("a", "car")]
        )


TRAIN_SCORES = {"a": [-0.1, -2.5], "b": [-0.2, -1.8]}  # by hand: the prior is [-0.15, -2.15]


def test_write_dataset_calibrated_label_replaces_the_completion(tmp_path):
    summary, taught, _ = build_dataset(
        tmp_path,
        train=[make_row("a"), make_row("b")],
        answers=[make_completion_line(name, "car", scores) for name, scores in TRAIN_SCORES.items()],
        calibrations=("batch",),
    )
    assert taught["train"] == {"a": "car", "b": "pet"}
    assert summary.prior == pytest.approx([-0.15, -2.15])
    stored = json.loads((tmp_path / "out" / "calibration.json").read_text())
    assert stored == {"labels": list(LABELS), "prior": list(summary.prior)}


def test_write_dataset_priors_of_other_teachers_stand_beside_the_first(tmp_path):
    lines = [make_completion_line(name, "car", scores) for name, scores in TRAIN_SCORES.items()]
    by_second = [make_completion_line(name, "car", [-3.0, -1.0]) | {"teacher_number": 2} for name in TRAIN_SCORES]
    build_dataset(
        tmp_path,
        train=[make_row("a"), make_row("b")],
        answers=[*(line | {"teacher_number": 1} for line in lines), *by_second],
        calibrations=("none", "batch"),
    )
    stored = json.loads((tmp_path / "out" / "calibration.json").read_text())
    assert stored == {"labels": list(LABELS), "prior": None, "other_priors": [[-3.0, -1.0]]}


def test_write_dataset_validation_rows_do_not_move_the_prior(tmp_path):
    train = [make_completion_line(name, "car", scores) for name, scores in TRAIN_SCORES.items()]
    summary, taught, _ = build_dataset(
        tmp_path,
        train=[make_row("a"), make_row("b")],
        validation=[make_row("v")],
        answers=[*train, make_completion_line("v", "car", [-0.01, -50.0])],
        calibrations=("batch",),
    )
    assert summary.prior == pytest.approx([-0.15, -2.15])
    assert taught["validation"] == {"v": "car"}


def test_write_dataset_min_probability_judges_the_calibrated_probability(tmp_path):
    # shifted by the prior both rows stand 0.4 apart: 1 / (1 + e^-0.4) = 0.5987
    lines = [
        make_completion_line(name, "car", scores, cumulative_logprob=-0.01) for name, scores in TRAIN_SCORES.items()
    ]
    options = {"train": [make_row("a"), make_row("b")], "answers": lines, "calibrations": ("batch",)}
    for least, kept in ((0.59, 2), (0.60, 0)):
        folder = tmp_path / str(kept)
        folder.mkdir()
        filters = Filters(min_probability=least, min_success_ratio=0.0)
        assert build_dataset(folder, **options, filters=filters)[0].kept == kept


def test_write_dataset_same_completions_make_the_same_bytes(tmp_path):
    written = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        build_dataset(
            folder,
            train=[make_row("a"), make_row("b")],
            answers=[make_completion_line("a", "car"), make_completion_line("b", "pet")],
        )
        written.append({path.name: path.read_bytes() for path in (folder / "out").iterdir()})
    assert written[0] == written[1]


def test_write_dataset_several_teachers_are_named_in_rows_and_counts(tmp_path):
    summary, taught, lines = build_dataset(
        tmp_path,
        train=[make_row("a"), make_row("b"), make_row("c", "pet")],
        validation=[make_row("v")],
        answers=[
            *(make_completion_line(name, "no idea" if name == "b" else "car", teacher_number=1) for name in "abv"),
            *(make_completion_line(name, "pet", teacher_number=2) for name in "b"),
        ],
        calibrations=("none", "none"),
    )
    assert taught["train"] == {"a": "car", "b": "pet", "c": "pet"}
    assert {line["id"]: line.get("teacher") for line in lines["train"]} == {"a": 1, "b": 2, "c": None}
    assert [line["teacher"] for line in lines["validation"]] == [1]
    assert [(line["id"], line["teacher"], line["reason"]) for line in lines["dropped"]] == [("b", 1, "unparsable")]
    assert summary.to_record()["teachers"] == {
        "1": {"in": 3, "kept": 2, "dropped": {"unparsable": 1}, "prompts": 3, "usable": 2},
        "2": {"in": 1, "kept": 1, "dropped": {}, "prompts": 1, "usable": 1},
    }


def test_write_dataset_one_teacher_is_named_nowhere(tmp_path):
    summary, _, lines = build_dataset(
        tmp_path,
        train=[make_row("a"), make_row("b")],
        answers=[make_completion_line("a", "car"), make_completion_line("b", "?")],
    )
    assert not any("teacher" in line for name in ("train", "dropped") for line in lines[name])
    assert summary.teachers is None


def test_write_dataset_several_teachers_are_calibrated_one_by_one(tmp_path):
    # the second teacher's scores are the first one's turned round, and so are its calibrated answers
    turned = {name: scores[::-1] for name, scores in TRAIN_SCORES.items()}
    summary, _, lines = build_dataset(
        tmp_path,
        train=[make_row("a"), make_row("b")],
        answers=[
            make_completion_line(name, "car", scores, teacher_number=number)
            for number, found in ((1, TRAIN_SCORES), (2, turned))
            for name, scores in found.items()
        ],
        calibrations=("batch", "batch"),
        mixing=Mixing(kind="keep_all"),
    )
    found = {(line["id"], line["teacher"]): line["completion"][0]["content"] for line in lines["train"]}
    assert found == {("a", 1): "car", ("b", 1): "pet", ("a", 2): "pet", ("b", 2): "car"}
    # what the measured teacher, the first, is calibrated with
    assert summary.prior == pytest.approx([-0.15, -2.15])


@pytest.mark.parametrize(
    ("settings", "taught"),
    [
        ({}, {"role": "assistant", "content": "car"}),
        ({"reasoning": "keep"}, {"role": "assistant", "content": "car", "reasoning": "it has wheels"}),
    ],
)
def test_write_dataset_reasoning_of_a_teacher_is_taught_only_if_it_is_kept(tmp_path, settings, taught):
    line = make_completion_line("a", "car") | {"reasoning": "it has wheels"}
    _, _, lines = build_dataset(tmp_path, train=[make_row("a")], answers=[line], **settings)
    assert lines["train"][0]["completion"] == [taught]


def test_write_dataset_recorded_reasoning_is_kept_with_its_reply_alone(tmp_path):
    turns = [
        {"role": "user", "content": "How many?"},
        {"role": "assistant", "content": "100", "reasoning": "I count them."},
        {"role": "user", "content": "And one more?"},
        {"role": "assistant", "content": "101", "reasoning": "100 and one."},
    ]
    row = make_row("a", "101", messages=turns)
    skill = Conversation(kind="conversation", targets="all")
    _, _, lines = build_dataset(tmp_path, train=[row], skill=skill, labels=(), reasoning="keep")
    found = [line["completion"][0] for line in lines["train"]]
    assert [(turn["content"], turn["reasoning"]) for turn in found] == [
        ("100", "I count them."),
        ("101", "100 and one."),
    ]
