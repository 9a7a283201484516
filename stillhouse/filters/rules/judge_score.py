"""Drops completions that the judge thinks too little of."""

from stillhouse.config import optional_identity
from stillhouse.filters.candidate import Candidate
from stillhouse.filters.rule import CandidateRule


class JudgeScore(CandidateRule):
    """Objects if the judge's score is too low or not known."""

    name = "judge"
    next_step = "lower `filters.min_judge_score`, or see `said` in the judge stage's scores.parquet"
    off = (("min_judge_score", None),)

    min_judge_score: int | None = optional_identity(
        None, "least score, from 1 to 5, that the judge must give; none asks for no scores", ge=1, le=5
    )

    def objection(self, candidate: Candidate) -> str | None:
        """Return the score."""
        if self.min_judge_score is None:
            return None
        score = candidate.judge_score
        if score is None:
            return "the judge gave no score that can be read"
        return f"score {score}, at least {self.min_judge_score} is asked for" if score < self.min_judge_score else None
