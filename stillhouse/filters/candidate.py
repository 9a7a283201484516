"""One completion under judgement: what every per-sample rule is given."""

from dataclasses import dataclass
from typing import Any

from stillhouse.completions.completion import Completion


@dataclass(frozen=True)
class Sample:
    """A completion with its row, and what the skill made of it.

    Rules return None to keep a sample, else in a few words why it is dropped.
    """

    row: dict[str, Any]
    completion: Completion
    answer: str | None  # as the skill's parser read it; None where it could not
    agrees_with_reference: bool | None  # None where the row has no reference, or there is no answer
    is_prose: bool  # False where the text is exactly one of a closed set of answers: there is no wording to judge
    word_limit: int = 0  # words the skill allows; 0 for any number
    judge_score: int | None = None  # of 1 to 5; None where none was asked or can be read
    lesson: str | None = None  # what the skill makes of text and answer for a student; None: the answer itself

    @property
    def target(self) -> str:
        """What a student would be trained on: the lesson, or the text itself where the recipe keeps unreadable ones."""
        if self.answer is None:
            return self.completion.text.strip()
        return self.answer if self.lesson is None else self.lesson
