"""Drops prompts on which the teacher's completions disagree.

Source: self-consistency, Wang et al., arXiv 2203.11171: the majority of sampled answers is right more often than one.
"""

from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from stillhouse.filters.rule import PromptRule


class Agreement(PromptRule):
    """Objects if too few completions give the majority's answer; an unreadable completion agrees with none."""

    name = "agreement"
    next_step = "lower `filters.min_agreement`"
    off = (("min_agreement", 0.0),)

    min_agreement: float = Field(0.0, ge=0.0, le=1.0, description="share of a prompt's rollouts that must agree")

    def objection(self, votes: Sequence[str], num_answered: int) -> str | None:
        """Return how many agree."""
        if not votes or not self.min_agreement:
            return None
        agreeing = Counter(votes)[majority(votes)]
        if agreeing / num_answered >= self.min_agreement:
            return None
        return f"{agreeing} of {num_answered} samples agree, {self.min_agreement:.0%} must"


def majority(answers: Sequence[str]) -> str:
    """Return the most frequent answer; of equally frequent ones the one given first."""
    return Counter(answers).most_common(1)[0][0]
