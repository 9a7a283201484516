"""The teachers' numbers of each token beside the training examples."""

import math

import pytest

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.completions.store import CompletionStore
from stillhouse.completions.token_numbers import TokenLine, read_token_lines, top_numbers, write_token_lines
from stillhouse.dataset.summary import TeacherTokens
from stillhouse.errors import QualityError
from stillhouse.recipe.teaching.reasoning_mix import ReasoningMix
from stillhouse.skills.math import Math
from tests.support.builders import TEACHER, make_completion, make_row
from tests.support.dataset import build_dataset, label_scores, make_rollouts

OTHER = "u" * 64
STEPS = ({7: math.log(0.6), 8: math.log(0.3), 9: math.log(0.05)}, {3: -0.01})


def stored(folder, *completions, k=3, teacher=TEACHER):
    store = StoreConfig(url=str(folder / "store"))
    made = [make_completion(key=key, teacher=teacher, **fields) for key, fields in completions]
    CompletionStore(Store(store), teacher).append(made, k)
    return store


def with_numbers(key, ids=(7, 3), steps=STEPS):
    return key, {"token_ids": ids, "logprobs": steps}


def lines_of(folder, split="train"):
    return {
        line.line: (line.id, line.teacher_number, line.rollout_index, line.numbers.token_ids.tolist())
        for line in read_token_lines(folder / "out" / f"{split}.logits.parquet")
    }


def rollouts(name, *texts, **fields):
    answers = make_rollouts(name, *texts, **{"teacher": TEACHER} | fields)
    return [{**answer, "key": f"{name}-{answer['sample_index']}-{answer['teacher'][0]}"} for answer in answers]


@pytest.mark.pitfall("join")
def test_numbers_are_joined_to_examples_by_line_row_and_rollout(tmp_path):
    answers = [*rollouts("b", "no label", "pet"), *rollouts("a", "car"), *rollouts("v", "car")]
    store = stored(tmp_path, *(with_numbers(one["key"], (n, 3)) for n, one in enumerate(answers)))
    summary, _, lines = build_dataset(
        tmp_path,
        train=[make_row("gold", "pet"), make_row("a"), make_row("b"), make_row("a")],
        validation=[make_row("v")],
        answers=answers,
        top_logprobs=2,
        store=store,
    )
    order = [line["id"] for line in lines["train"]]
    expected = {"a": ("a", None, 0, [2, 3]), "b": ("b", None, 1, [1, 3])}
    assert lines_of(tmp_path) == {place: expected[name] for place, name in enumerate(order) if name in expected}
    assert list(lines_of(tmp_path, "validation").values()) == [("v", None, 0, [3, 3])]
    size = (tmp_path / "out" / "train.logits.parquet").stat().st_size
    assert summary.teacher_tokens == TeacherTokens(rows=3, tokens=6, size_bytes=size)
    (first, *_) = read_token_lines(tmp_path / "out" / "train.logits.parquet")
    assert first.numbers.ids.tolist() == [7, 8, 3]  # the two likeliest, and the only one
    assert first.numbers.sizes.tolist() == [2, 1]


def test_numbers_are_those_of_the_teacher_that_gave_the_answer(tmp_path):
    answers = [
        *rollouts("a", "car", teacher_number=1),
        *rollouts("a", "pet", teacher=OTHER, teacher_number=2),
    ]
    stored(tmp_path, with_numbers("a-0-t", (7, 3)))
    store = stored(tmp_path, with_numbers("a-0-u", (8, 3)), teacher=OTHER)
    options = {"train": [make_row("a")], "answers": answers, "calibrations": ("none", "none")}
    build_dataset(tmp_path, **options, top_logprobs=3, store=store)
    assert sorted(lines_of(tmp_path).values()) == [("a", 1, 0, [7, 3]), ("a", 2, 0, [8, 3])]


def test_completion_stored_with_more_numbers_is_taken_before_one_with_none(tmp_path):
    stored(tmp_path, ("a-0-t", {"token_ids": (7, 3)}), k=0)
    store = stored(tmp_path, with_numbers("a-0-t"))
    build_dataset(tmp_path, train=[make_row("a")], answers=rollouts("a", "car"), top_logprobs=3, store=store)
    assert len(lines_of(tmp_path)) == 1


def test_scores_of_labels_count_whatever_number_was_asked_for(tmp_path):
    store = stored(tmp_path, with_numbers("a-0-t"), k=0)
    build_dataset(tmp_path, train=[make_row("a")], answers=rollouts("a", "car"), top_logprobs=16, store=store)
    assert len(lines_of(tmp_path)) == 1


def test_rows_of_labels_hold_their_probabilities_and_need_no_numbers_of_tokens(tmp_path):
    store = stored(tmp_path, ("a-0-t", {}))
    answers = rollouts("a", "car", scores=label_scores(8, 2))
    summary, _, lines = build_dataset(tmp_path, train=[make_row("a")], answers=answers, top_logprobs=3, store=store)
    assert lines["train"][0]["label_probabilities"] == pytest.approx({"car": 0.8, "pet": 0.2})
    assert summary.teacher_tokens.rows == 0


def test_draws_are_joined_by_the_keys_of_the_completions(tmp_path):
    numbers = [top_numbers((number,), ({5: -0.5, 6: -1.5},), 2) for number in range(3)]
    paths = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    write_token_lines([TokenLine(0, "b-0-t", None, 0, numbers[0]), TokenLine(1, "x", None, 0, numbers[1])], paths[0])
    write_token_lines([TokenLine(0, "a-0-t", None, 0, numbers[2])], paths[1])
    options = {"train": [make_row("a"), make_row("b")], "answers": [*rollouts("a", "car"), *rollouts("b", "pet")]}
    build_dataset(tmp_path, **options, token_draws=True, draws=paths)
    assert sorted(lines_of(tmp_path).values()) == [("a", None, 0, [2]), ("b", None, 0, [0])]


def test_numbers_are_of_the_sample_whose_reasoning_is_taught(tmp_path):
    answers = [
        {**one, "reasoning": thought, "completion_tokens": tokens}
        for one, thought, tokens in zip(rollouts("a", "7", "7"), ("a long way", "short"), (90, 9), strict=True)
    ]
    store = stored(tmp_path, with_numbers("a-0-t", (1, 3)), with_numbers("a-1-t", (2, 3)))
    mixed = {"reasoning": "mix", "reasoning_mix": ReasoningMix(long=0, short=1)}
    options = {"skill": Math(kind="math"), "labels": (), "top_logprobs": 3, "store": store}
    _, _, lines = build_dataset(tmp_path, train=[make_row("a")], answers=answers, **options, **mixed)
    assert lines["train"][0]["completion"][0]["reasoning"] == "short"
    assert list(lines_of(tmp_path).values()) == [("a", None, 1, [2, 3])]


def test_examples_without_any_numbers_are_refused(tmp_path):
    store = stored(tmp_path, ("a-0-t", {}))
    options = {"train": [make_row("a"), make_row("gold", "pet")], "answers": rollouts("a", "car")}
    with pytest.raises(QualityError, match=r"none of the 2 training examples has the teacher's\s+log-probabilities"):
        build_dataset(tmp_path, **options, top_logprobs=3, store=store)


def test_recipe_that_learns_no_numbers_writes_none(tmp_path):
    summary, _, _ = build_dataset(tmp_path, train=[make_row("a")], answers=rollouts("a", "car"))
    assert summary.teacher_tokens is None
    assert not list((tmp_path / "out").glob("*.logits.parquet"))
