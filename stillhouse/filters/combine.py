"""Chooses among the candidates of a prompt: which vote together, which one wins, which teacher's answer is best."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Literal

from pydantic import Field

from stillhouse.config import FrozenModel
from stillhouse.filters.candidate import Candidate
from stillhouse.filters.outcome import Drop, FilterResult
from stillhouse.filters.rules.agreement import majority
from stillhouse.skills.skill import Skill


class Mixing(FrozenModel):
    """The recipe's section `mixing`: what is kept if several teachers answer one prompt."""

    kind: Literal["keep_all", "vote", "best"] = Field(
        "keep_all",
        description="keep_all: the kept answer of each teacher is a training row; vote: one answer, that of the "
        "majority of all rollouts of all teachers, or the one first given if votes are equal; best: one answer, the "
        "best by `by`",
    )
    by: Literal["verifier", "judge"] = Field(
        "verifier",
        description="what best means. verifier: an answer that agrees with the row's reference; if several do, or the "
        "row has none, that of the teacher named first; judge: the answer that the recipe's `judge` scores highest",
    )


def _by_reference(candidate: Candidate) -> float:
    """Return 1 if the answer agrees with the row's reference, -1 if it contradicts it, 0 if that is not known."""
    return {True: 1.0, None: 0.0, False: -1.0}[candidate.agrees_with_reference]


def _by_judge(candidate: Candidate) -> float:
    """Return the judge's score; 0 if there is none."""
    return float(candidate.judge_score or 0)


# `mixing.by` -> the score of a candidate; the highest is best
SCORES: dict[str, Callable[[Candidate], float]] = {"verifier": _by_reference, "judge": _by_judge}


def voting_groups(candidates: Sequence[Candidate], mixing: Mixing) -> list[list[Candidate]]:
    """Return a prompt's candidates, which come teacher by teacher, in groups that vote: each teacher's own, or all."""
    if mixing.kind == "vote":
        return [list(candidates)]
    return [list(group) for _, group in groupby(candidates, lambda candidate: candidate.completion.teacher_number)]


def votes_of(candidates: Sequence[Candidate], skill: Skill) -> list[str]:
    """Return what each candidate votes for; of answers that mean the same, the first one is the vote of all."""
    votes: list[str] = []
    for candidate in candidates:
        answer = candidate.target if candidate.answer is None else candidate.answer
        votes.append(next((earlier for earlier in votes if skill.equivalent(earlier, answer)), answer))
    return votes


def keep_majority(candidates: tuple[Candidate, ...], votes: Sequence[str], skill: Skill) -> FilterResult:
    """Keep the most confident candidate of the majority's answer; keep all if the skill's answers can't agree."""
    if len(candidates) < 2 or not skill.votes:
        return FilterResult(candidates)
    winner = majority(votes)
    best = max((one for one, vote in zip(candidates, votes, strict=True) if vote == winner), key=_certainty)
    teacher = best.completion.teacher_number
    whose = f" of teacher {teacher}" if teacher else ""
    detail = f"the prompt's answer is {winner}, kept from sample {best.rollout_index}{whose}"
    return _keep(best, candidates, "not_majority", detail)


def keep_best(candidates: tuple[Candidate, ...], mixing: Mixing) -> FilterResult:
    """Keep the candidate with the highest score, of equals the first, if `mixing` asks for the best; else keep all."""
    if mixing.kind != "best" or len(candidates) < 2:
        return FilterResult(candidates)
    best = max(candidates, key=SCORES[mixing.by])
    whose = f"teacher {best.completion.teacher_number}'s"
    return _keep(best, candidates, "not_best", f"the prompt's answer is {whose}, by the {mixing.by}")


def _keep(best: Candidate, candidates: Sequence[Candidate], reason: str, detail: str) -> FilterResult:
    return FilterResult((best,), tuple(Drop(one.row, reason, detail, one) for one in candidates if one is not best))


def _certainty(candidate: Candidate) -> float:
    known = candidate.log_certainty
    return float("-inf") if known is None else known
