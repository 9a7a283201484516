"""Drops answers that the judge thinks too little of."""

from stillhouse.filters.candidate import Candidate
from stillhouse.recipe.filters import Filters


def rule(candidate: Candidate, filters: Filters) -> str | None:
    """Return why `candidate` is dropped where its score is below `filters.min_judge_score` or not known, else None."""
    least = filters.min_judge_score
    if least is None:
        return None
    if candidate.judge_score is None:
        return "the judge gave no score that can be read"
    return f"score {candidate.judge_score}, at least {least} is asked for" if candidate.judge_score < least else None
