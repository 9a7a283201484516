"""Drops prompts on which the teacher's samples disagree.

Source: self-consistency, Wang et al., arXiv 2203.11171: the majority of sampled answers is right more often than one.
"""

from collections import Counter
from collections.abc import Sequence

from stillhouse.recipe.filters import Filters


def majority(answers: Sequence[str]) -> str:
    """Return the most frequent answer; of equally frequent ones the one given first."""
    return Counter(answers).most_common(1)[0][0]


def rule(answers: Sequence[str], num_samples: int, filters: Filters) -> str | None:
    """Return why all samples of a prompt are dropped, else None.

    Args:
        answers: of the samples no other rule objected to.
        num_samples: samples the teacher answered, objected to or not: an unreadable one agrees with nobody.
    """
    if not answers or not filters.min_agreement:
        return None
    votes = Counter(answers)[majority(answers)]
    if votes / num_samples >= filters.min_agreement:
        return None
    return f"{votes} of {num_samples} samples agree, {filters.min_agreement:.0%} must"
