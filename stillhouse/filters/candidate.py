"""One completion under judgement: what every rule is given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from stillhouse.completions.completion import Completion
from stillhouse.data.row import Row
from stillhouse.skills.skill import Skill


@dataclass(frozen=True)
class Candidate:
    """A completion with its row, and what the skill read from it."""

    row: Row
    completion: Completion
    answer: str | None  # as the skill's parser read it; None if it could not
    agrees_with_reference: bool | None  # None if the row has no reference or the completion no answer
    is_prose: bool  # False if the text is one of a closed set of answers or only calls tools: no wording to judge
    word_limit: int = 0  # words that the skill allows; 0 for any number
    judge_score: int | None = None  # from 1 to 5; None if no judge gave a readable score
    training_target: str | None = None  # what the skill makes of text and answer for a student; None: the answer itself
    rollout_index: int = 0  # among its teacher's completions of the prompt
    is_closed: bool = False  # the answer is one of a fixed set
    verifies: bool = False  # the skill compares answers with references
    wording: Callable[[str], str] = str  # what of a text is worded: all of it but calls of tools

    @property
    def log_certainty(self) -> float | None:
        """How sure the teacher was of the answer (nats): of all of it if it is one of a fixed set, else a token."""
        return self.completion.log_certainty(is_closed=self.is_closed)

    @property
    def target(self) -> str:
        """What a student would be trained on; the text itself if no answer was read and the recipe keeps it."""
        if self.answer is None:
            return self.completion.text.strip()
        return self.answer if self.training_target is None else self.training_target


def read_candidates(
    row: Row,
    completions: Sequence[Completion],
    skill: Skill,
    labels: Sequence[str],
    scores: Mapping[str, int | None],
) -> list[Candidate]:
    """Return the completions of `row`, which come teacher by teacher, as the skill reads them.

    `scores` are a judge's, by the completions' keys.
    """
    references = row["references"]

    def read(completion: Completion, rollout_index: int) -> Candidate:
        answer = skill.parse(completion.text, labels)
        return Candidate(
            row=row,
            completion=completion,
            answer=answer,
            agrees_with_reference=skill.verify(answer, references) if references and answer is not None else None,
            is_prose=answer is None or skill.is_prose(answer),
            word_limit=skill.word_limit,
            judge_score=scores.get(completion.key),
            training_target=None if answer is None else skill.training_target(completion.text, answer),
            rollout_index=rollout_index,
            is_closed=skill.has_labels or completion.is_closed,
            verifies=skill.verifies,
            wording=skill.wording,
        )

    by_teacher = groupby(completions, lambda completion: completion.teacher_number)
    return [read(completion, index) for _, group in by_teacher for index, completion in enumerate(group)]
