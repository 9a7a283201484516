"""Where an answer's tokens choose among labels, and what stands for it in a training row."""

import math
from typing import Any

import pytest

from stillhouse.students.label_choices import IGNORE_INDEX, ChoiceTable, choices_along, code, num_with_choices

STOP = 0
# ab begins with the whole of a; c shares its first token with both
ANSWERS = {"a": [1, 2, STOP], "ab": [1, 2, 3, STOP], "c": [1, 4, STOP], "d": [5, STOP]}
SHARES = {"a": 0.4, "ab": 0.3, "c": 0.2, "d": 0.1}


def encode(prompt: list[dict[str, Any]], completion: list[dict[str, Any]]) -> dict[str, list[int]]:
    """A prompt that says `late` has its answers behind a further token."""
    text = prompt[-1]["content"]
    answer = [7] * (text == "late") + ANSWERS[completion[-1]["content"]]
    return {"input_ids": [9] * len(text) + answer, "completion_mask": [0] * len(text) + [1] * len(answer)}


def make_row(label: str, shares: dict[str, float] | None = None, text: str = "hi") -> dict[str, Any]:
    row = {"prompt": [{"role": "user", "content": text}], "completion": [{"role": "assistant", "content": label}]}
    return row | ({"label_probabilities": shares} if shares else {})


def mark(table: ChoiceTable, row: dict[str, Any]) -> list[int]:
    return table.mark(row, encode(row["prompt"], row["completion"]))["labels"]


@pytest.mark.parametrize("label", ANSWERS)
def test_choices_along_product_of_what_is_taken_is_the_labels_probability(label):
    found = choices_along(ANSWERS, label, SHARES)
    assert len(found) == len(ANSWERS[label])
    assert math.isclose(math.prod(one.probabilities[one.taken] for one in found if one), SHARES[label])
    assert all(
        one is None or one.branches[one.taken] == token for one, token in zip(found, ANSWERS[label], strict=True)
    )


def test_choices_along_branch_weighs_what_all_labels_behind_it_weigh():
    first, second, third, stop = choices_along(ANSWERS, "ab", SHARES)
    assert dict(zip(first.branches, first.probabilities, strict=True)) == pytest.approx({1: 0.9, 5: 0.1})
    assert dict(zip(second.branches, second.probabilities, strict=True)) == pytest.approx({2: 7 / 9, 4: 2 / 9})
    # the end of one label, or the rest of the longer one
    assert dict(zip(third.branches, third.probabilities, strict=True)) == pytest.approx({STOP: 4 / 7, 3: 3 / 7})
    assert stop is None


def test_mark_points_to_the_choices_at_their_tokens_and_keeps_the_others():
    table = ChoiceTable(encode)
    assert mark(table, make_row("c", SHARES)) == [IGNORE_INDEX] * 2 + [code(0), code(1), STOP]
    assert mark(table, make_row("d", SHARES)) == [IGNORE_INDEX] * 2 + [code(2), STOP]
    assert [choice.branches[choice.taken] for choice in table.choices] == [1, 4, 5]


def test_mark_row_without_probabilities_has_its_tokens_as_labels():
    table = ChoiceTable(encode)
    gold = mark(table, make_row("ab"))
    assert gold == [IGNORE_INDEX] * 2 + ANSWERS["ab"]
    assert table.choices == []
    assert num_with_choices([{"labels": gold}, {"labels": mark(table, make_row("a", SHARES))}]) == 1


def test_mark_prompt_that_is_answered_in_another_form_has_its_own_answers():
    table = ChoiceTable(encode)
    mark(table, make_row("d", SHARES))
    assert mark(table, make_row("d", SHARES, "late")) == [IGNORE_INDEX] * 4 + [7, code(1), STOP]
    assert mark(table, make_row("d", SHARES)) == [IGNORE_INDEX] * 2 + [code(2), STOP]
