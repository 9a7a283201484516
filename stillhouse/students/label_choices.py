"""Where the tokens of a student's answer choose among labels, and how probable a teacher finds each choice.

Labels are sequences of tokens of the student's own tokenizer. Together they are a tree: an answer is a path through it,
from the first token to the stop token. Where the path forks, its next token chooses among labels, and a branch is as
probable as all labels behind it together; where it does not fork, the next token is certain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from stillhouse.data.row import Messages

IGNORE_INDEX = -100  # in `labels`, a token that does not count in the loss
Encode = Callable[[Messages, Messages], dict[str, list[int]]]
Answers = Mapping[str, Sequence[int]]  # token ids by label, each with its stop token


class Choice(NamedTuple):
    """One fork on the path of an answer."""

    branches: tuple[int, ...]  # token ids
    probabilities: tuple[float, ...]  # the teacher's of each branch, given that the path led here; their sum is 1
    taken: int  # index in `branches` of the answer's own token


def choices_along(answers: Answers, label: str, probabilities: Mapping[str, float]) -> list[Choice | None]:
    """Return for each token of the answer `label` the choice that it makes, None where no other token can follow.

    The product of the taken branches' probabilities is the label's, over the sum of all labels'.
    """
    path = answers[label]
    found: list[Choice | None] = []
    for depth, taken in enumerate(path):
        masses: dict[int, float] = {}
        for name, other in answers.items():
            if len(other) > depth and other[:depth] == path[:depth]:
                masses[other[depth]] = masses.get(other[depth], 0.0) + probabilities[name]
        total = sum(masses.values())
        shares = tuple(mass / total for mass in masses.values()) if len(masses) > 1 else ()
        found.append(Choice(tuple(masses), shares, list(masses).index(taken)) if shares else None)
    return found


class LabelTree:
    """The labels as the student's tokens, and the choices that answers make among them."""

    def __init__(self, encode: Encode) -> None:
        """Start with no labels; `encode` gives `input_ids` and `completion_mask` of a prompt and its completion."""
        self._encode = encode
        self._answers: dict[str, list[int]] = {}

    def along(self, row: Mapping[str, Any], encoded: Mapping[str, list[int]]) -> list[Choice | None]:
        """Return `choices_along` the answer of a row that has the teacher's probabilities of the labels."""
        answer, label = _answer_of(encoded), row["completion"][-1]["content"]
        # once for all prompts that are answered alike
        if self._answers.get(label) != answer:
            self._answers = {one: self._answer(row["prompt"], one) for one in row["label_probabilities"]}
        return choices_along(self._answers, label, row["label_probabilities"])

    def _answer(self, prompt: Messages, label: str) -> list[int]:
        return _answer_of(self._encode(prompt, [{"role": "assistant", "content": label}]))


class ChoiceTable:
    """The choices of many rows, and how the token ids of a row point to them.

    A row's `labels` are its token ids, IGNORE_INDEX for a token that does not count, and `code` of a token that makes a
    choice. One column holds all, because packing keeps no other, and counting tokens that count stays as it was.
    """

    def __init__(self, encode: Encode) -> None:
        """Start an empty table; `encode` gives `input_ids` and `completion_mask` of a prompt and its completion."""
        self.choices: list[Choice] = []
        self._tree = LabelTree(encode)

    def mark(self, row: Mapping[str, Any], encoded: Mapping[str, list[int]]) -> dict[str, list[int]]:
        """Return `input_ids` and `labels` of a row; `encoded` has its token ids and their mask."""
        pairs = zip(encoded["input_ids"], encoded["completion_mask"], strict=True)
        labels = [token if counts else IGNORE_INDEX for token, counts in pairs]
        if row.get("label_probabilities"):
            found = self._tree.along(row, encoded)
            for place, choice in enumerate(found, start=len(labels) - len(found)):
                labels[place] = labels[place] if choice is None else self._add(choice)
        return {"input_ids": encoded["input_ids"], "labels": labels}

    def _add(self, choice: Choice) -> int:
        self.choices.append(choice)
        return code(len(self.choices) - 1)


def code(index: int) -> int:
    """Return what stands in `labels` for a token that makes the choice `index` of the table."""
    return IGNORE_INDEX - 1 - index


def num_with_choices(rows: Sequence[Mapping[str, list[int]]]) -> int:
    """Return how many rows have a token that makes a choice."""
    return sum(min(row.get("labels", [0])) < IGNORE_INDEX for row in rows)


def _answer_of(encoded: Mapping[str, list[int]]) -> list[int]:
    pairs = zip(encoded["input_ids"], encoded["completion_mask"], strict=True)
    return [token for token, counts in pairs if counts]
