"""One example that a student is trained on."""

from typing import NamedTuple

from stillhouse.data.row import Row


class TrainingExample(NamedTuple):
    """A row and what the student is to answer; `teacher_number`, from 1, only if the recipe has several teachers."""

    row: Row
    target: str
    teacher_number: int | None = None
    is_given: bool = False  # the target is the row's own reference, not a teacher's answer
    reasoning: str = ""  # before the answer
    tokens: int | None = None  # of the completion, reasoning and answer; None: not counted
    key: str = ""  # of the completion that holds the target; empty for a reference
    teacher: str = ""  # fingerprint, of that completion
