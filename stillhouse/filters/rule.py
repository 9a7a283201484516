"""What a filter rule is: a section of the recipe's `filters`, and the method that objects to a completion."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from stillhouse.config import FrozenModel
from stillhouse.filters.candidate import Candidate


class FilterRule(FrozenModel):
    """A rule with its settings; each file of stillhouse/filters/rules holds one subclass of a subclass below."""

    name: ClassVar[str]  # the reason under which drops are counted
    next_step: ClassVar[str] = ""  # what a user would change first if this rule dropped most
    off: ClassVar[
        tuple[tuple[str, Any], ...]
    ] = ()  # the settings with which it objects to nothing; empty: there are none


class CandidateRule(FilterRule):
    """Judges one completion alone."""

    runs_after_vote: ClassVar[bool] = False  # judges only what won the vote of a prompt's completions

    @abstractmethod
    def objection(self, candidate: Candidate) -> str | None:
        """Return in a few words why `candidate` is dropped; None keeps it."""

    def cannot_judge(self, candidate: Candidate) -> bool:
        """Return whether the rule is on and keeps `candidate` only because it can't tell; the summary counts these."""
        return False


class PromptRule(FilterRule):
    """Judges the completions of one prompt together, before they vote."""

    @abstractmethod
    def objection(self, votes: Sequence[str], num_answered: int) -> str | None:
        """Return in a few words why all completions of a prompt are dropped; None keeps them.

        Args:
            votes: the answers of the completions that no rule objected to; those that mean the same are equal.
            num_answered: completions that the teacher gave, objected to or not.
        """


class DatasetRule(FilterRule):
    """Judges the answers to all prompts together, after all other rules. It runs for free answers only."""

    @abstractmethod
    def objections(self, answers: Sequence[str]) -> list[str | None]:
        """Return for each answer in a few words why it is dropped; None keeps it."""
