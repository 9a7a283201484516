"""A round as it stands when it is finished, and what all rounds work with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.dataset.summary import FilterSummary
from stillhouse.inference.models import Checkpoint
from stillhouse.metrics.metric import Answers
from stillhouse.recipe.rounds import Rounds
from stillhouse.rounds.result import RoundResult
from tasks.balance import Rows
from tasks.orchestration.run import Run
from tasks.orchestration.student_models import StudentBase
from tasks.score_prompts import StudentAnswersSummary

if TYPE_CHECKING:
    from stillhouse.rounds.measure import Measure


@dataclass(frozen=True)
class Asking:
    """The models and rows of all rounds."""

    run: Run
    teachers: list[Checkpoint]
    judge: Checkpoint | None
    bases: list[StudentBase]
    rows: Rows
    opinions: Built[Any] | None

    @property
    def rounds(self) -> Rounds:
        """The recipe's section."""
        assert self.run.recipe.rounds is not None, "only a recipe with rounds asks in rounds"
        return self.run.recipe.rounds


@dataclass(frozen=True)
class Answered:
    """What a teacher answered in one round."""

    asked: ArtifactRef  # its prompts
    again: ArtifactRef | None  # prompts of earlier rounds, asked again
    built: tuple[Built[GenerationSummary], ...]  # its answers, in the order in which they were asked
    num_prompts: int  # training prompts; without validation prompts and those asked again
    num_again: int
    left: int  # training prompts that no round has asked
    is_cut: bool  # the budget was spent before all was answered


@dataclass(frozen=True)
class Round:
    """One finished round."""

    answered: Answered
    gathered: ArtifactRef  # all answers so far
    dataset: Built[FilterSummary]  # made of these
    student: Built[StudentAnswersSummary]  # the answers of who learnt it
    measure: Measure  # the same in all rounds
    on_validation: Answers
    result: RoundResult


def asked_in(rounds: Sequence[Round]) -> list[ArtifactRef]:
    """Return the prompts of each round."""
    return [one.answered.asked for one in rounds]
