"""Makes the teacher's prompt for a row: instruction, labelled examples and the message.

Generation and evaluation must show the teacher exactly the same prompts.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from stillhouse.data.row import Row, draw_sha256
from stillhouse.errors import DataError, RecipeError
from stillhouse.recipe.checks.output import find_unreadable_forms
from stillhouse.recipe.teacher import Teacher
from stillhouse.skills.prompts import TeacherPrompt
from stillhouse.skills.skill import Skill
from stillhouse.teachers.retrieval import BATCH_ROWS, Lookalikes, Retriever

Prompt = list[dict[str, Any]] | str

_WINDOW = 64  # examples of a pool that are compared with the rows at once


class Prompter:
    """Makes a teacher's prompts out of rows; built once over the labelled rows, used for many."""

    def __init__(self, teacher: Teacher, skill: Skill, labels: Sequence[str], examples: Sequence[Row]) -> None:
        """Index the labelled rows.

        Raises:
            DataError: the prompt needs examples and there is none, or none for a label.
            RecipeError: no answer in the form that the recipe asks for is a label of the data.
        """
        for problem in find_unreadable_forms(teacher.output, skill, labels):
            raise RecipeError(f"Teacher {teacher.display_name}: {problem}.")
        self.prompt = teacher.prompt
        self.skill = skill
        self.labels = tuple(labels)
        # by the object, since ids may repeat: made once, and not for each example of each row
        self._orders = {id(row): seeded_order(self.prompt.seed, row) for row in examples}
        self._pools = _pools(self.prompt, self.labels, examples)

    def prompts(self, rows: Iterable[Row], beat: Callable[[], None] = lambda: None) -> Iterator[Prompt]:
        """Yield the prompt of each row: messages, or text for layout `text`; `beat` is called while examples are found.

        Rows are taken as prompts are: no more than a batch of them is held, nor of their examples.
        """
        if self.prompt.layout == "student":
            yield from (self.skill.student_messages(row["messages"], self.labels) for row in rows)
            return
        make = self.skill.teacher_text if self.prompt.layout == "text" else self.skill.teacher_messages
        waiting = iter(rows)
        while batch := list(islice(waiting, BATCH_ROWS)):
            for row, examples in zip(batch, self._examples(batch, beat), strict=True):
                shown = [(self.skill.as_text(example["messages"]), example["references"][0]) for example in examples]
                yield make(row["messages"], self.prompt, self.labels, shown)

    def constraint(self, teacher: Teacher) -> dict[str, Any]:
        """Return the constraint on a completion; {} for none."""
        return constraint_of(teacher, self.skill, self.labels)

    def _examples(self, rows: Sequence[Row], beat: Callable[[], None]) -> list[list[Row]]:
        k = self.prompt.examples
        if not k:
            return [[] for _ in rows]
        found = [pool.nearest_all(rows, k, beat) for pool in self._pools]
        chosen = [[example for group in groups for example in group] for groups in zip(*found, strict=True)]
        if self.prompt.selection == "fixed_per_label":
            return [sorted(examples, key=lambda example: self._orders[id(example)]) for examples in chosen]
        return chosen


def constraint_of(teacher: Teacher, skill: Skill, labels: Sequence[str]) -> dict[str, Any]:
    """Return the constraint on a teacher's completions; {} for none."""
    output = teacher.output
    if output.kind == "skill":
        # a continued text goes on with a space; a chat message starts with the completion itself
        lead = " " if teacher.prompt.layout == "text" else ""
        return skill.constraint(labels, lead)
    return {} if output.kind == "free" else {output.kind: getattr(output, output.kind)}


class _FixedPool:
    """The same examples of one label for every row, but never the row itself or its near-duplicates."""

    def __init__(self, prompt: TeacherPrompt, examples: Sequence[Row]) -> None:
        ordered = sorted(examples, key=lambda row: seeded_order(prompt.seed, row))
        self._windows = [ordered[start : start + _WINDOW] for start in range(0, len(ordered), _WINDOW)]
        self._lookalikes: dict[int, Lookalikes] = {}  # by window, made where it is needed

    def nearest_all(self, rows: Sequence[Row], k: int, beat: Callable[[], None] = lambda: None) -> list[list[Row]]:
        """Return the first `k` examples that each row may be shown, in their order."""
        beat()
        chosen: list[list[Row]] = [[] for _ in rows]
        for number, window in enumerate(self._windows):
            # of a pool of any size a row needs the first few, and more only if it is like some of these
            lacking = [at for at, found in enumerate(chosen) if len(found) < k]
            if not lacking:
                break
            if number not in self._lookalikes:
                self._lookalikes[number] = Lookalikes(window)
            for at, hidden in zip(lacking, self._lookalikes[number].of([rows[at] for at in lacking]), strict=True):
                allowed = [window[place] for place in np.flatnonzero(~hidden).tolist()]
                chosen[at] += allowed[: k - len(chosen[at])]
        return chosen


def seeded_order(seed: int, row: Row) -> str:
    """Return a sort key that shuffles rows by content, the same way each time; new rows move no old ones."""
    return hashlib.sha256(f"{seed}|{draw_sha256(row['messages'])}".encode()).hexdigest()


def _pools(prompt: TeacherPrompt, labels: Sequence[str], examples: Sequence[Row]) -> list["Retriever | _FixedPool"]:
    if not prompt.examples:
        return []
    usable = [row for row in examples if row["references"]]
    if prompt.selection == "nearest":
        return [Retriever(usable, prompt.retriever)]
    pools: list[Retriever | _FixedPool] = []
    for label in labels:
        own = [row for row in usable if row["references"][0] == label]
        if not own:
            raise DataError(
                f"no labelled example of {label!r} is left for the teacher's prompt; add one to data.examples, or set "
                "prompt.selection to nearest"
            )
        pools.append(
            _FixedPool(prompt, own) if prompt.selection == "fixed_per_label" else Retriever(own, prompt.retriever)
        )
    return pools
