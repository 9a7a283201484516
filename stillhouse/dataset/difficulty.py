"""How hard a prompt is for its teacher, and the share of hard prompts among a student's training rows.

A row is left out for being common, not for being bad: all rules have kept its answer.
Difficulty is the first of these that is known for all prompts:
- disagreement: the share of a prompt's completions that do not give the kept answer, if several were drawn and answers
  can agree; of equal ones, the less probable answer is the harder one
- margin: 1 less the distance between the two most probable labels, if the teacher's label scores were requested
- probability: of the kept answer, if it is one of a fixed set, as a negated logarithm
- logprob: the kept free answer's mean log-probability a token, negated
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stillhouse.completions.completion import Completion
from stillhouse.data.row import draw_sha256
from stillhouse.dataset.summary import DifficultyCounts
from stillhouse.errors import QualityError
from stillhouse.filters.candidate import Candidate
from stillhouse.filters.outcome import Drop, FilterResult
from stillhouse.skills.skill import Skill
from stillhouse.teachers.calibration import probabilities

Difficulty = tuple[float, float]  # the measure, then what decides between equal ones

BUCKETS = ("easy", "medium", "hard")  # a third of the rows each, by rank


@dataclass(frozen=True)
class TeacherOutput:
    """What a teacher gave: its completions and, if they were requested, the log-probabilities of the labels."""

    completions: Mapping[str, Sequence[Completion]]  # by row id, all rollouts
    label_scores: Mapping[str, Sequence[float] | None]  # by row id
    prior: Sequence[float] | None  # of its calibration


def subsample_by_difficulty(
    kept: Sequence[Candidate], output: TeacherOutput, skill: Skill, labels: Sequence[str], share: float
) -> tuple[FilterResult, DifficultyCounts]:
    """Drop candidates until `share` of them have hard prompts; return the result and the counts by bucket.

    As many stay as can. A hash of their content decides which, so that a grown data set keeps most of its choice.

    Raises:
        QualityError: no answer's difficulty is known.
    """
    measure, difficulties = _difficulties(kept, output, skill, labels)
    if not difficulties:
        raise QualityError(
            "filters.hard_share: the difficulty of no answer is known: there are neither several samples a prompt nor "
            "log-probabilities. Set sampling.n above 1, take a teacher that gives log-probabilities, or leave it out."
        )
    buckets = _buckets(difficulties)
    bucket_of = [buckets.get(candidate.row["id"], "unknown") for candidate in kept]
    hard = [index for index, bucket in enumerate(bucket_of) if bucket == "hard"]
    others = [index for index, bucket in enumerate(bucket_of) if bucket != "hard"]
    num_hard, num_others = _targets(len(hard), len(others), share)
    stay = {*_first(hard, num_hard, kept), *_first(others, num_others, kept)}
    wanted = f"{share:.0%} are to be hard"
    # dropped.jsonl shows what would have been trained on
    drops = (
        Drop(one.row, "hard_share", f"{bucket} by {measure}; {wanted}", replace(one, answer=one.target))
        for index, (one, bucket) in enumerate(zip(kept, bucket_of, strict=True))
        if index not in stay
    )
    result = FilterResult(tuple(one for index, one in enumerate(kept) if index in stay), tuple(drops))
    after = _counts([bucket for index, bucket in enumerate(bucket_of) if index in stay])
    return result, DifficultyCounts(measure=measure, share=share, before=_counts(bucket_of), after=after)


def _difficulties(
    kept: Sequence[Candidate], output: TeacherOutput, skill: Skill, labels: Sequence[str]
) -> tuple[str, dict[str, Difficulty]]:
    """Return the name of the measure and each prompt's difficulty by it, by row id."""
    by_id = {candidate.row["id"]: candidate for candidate in kept}
    if skill.votes and any(len(output.completions[row_id]) > 1 for row_id in by_id):

        def disagreement(candidate: Candidate) -> Difficulty:
            completions = output.completions[candidate.row["id"]]
            own = skill.parse(candidate.completion.text, labels)
            read = [skill.parse(completion.text, labels) for completion in completions]
            agreeing = sum(own is not None and answer is not None and skill.equivalent(own, answer) for answer in read)
            return 1.0 - agreeing / len(completions), -(candidate.log_certainty or 0.0)

        return "disagreement", {row_id: disagreement(candidate) for row_id, candidate in by_id.items()}
    if by_id and all(output.label_scores.get(row_id) for row_id in by_id):
        return "margin", {row_id: (_doubt(output.label_scores[row_id], output.prior), 0.0) for row_id in by_id}
    known = {row_id: candidate.log_certainty for row_id, candidate in by_id.items()}
    measure = "probability" if all(candidate.is_closed for candidate in by_id.values()) else "logprob"
    return measure, {row_id: (-logprob, 0.0) for row_id, logprob in known.items() if logprob is not None}


def _doubt(scores: Sequence[float] | None, prior: Sequence[float] | None) -> float:
    assert scores is not None
    second, first = np.sort(probabilities(scores, prior))[-2:]
    return float(1.0 - (first - second))


def _buckets(difficulties: Mapping[str, Difficulty]) -> dict[str, str]:
    """Return each row's third; a hash of the id orders rows that are equally hard."""
    ranked = sorted(difficulties, key=lambda row_id: (difficulties[row_id], _hash(row_id)))
    return {row_id: BUCKETS[3 * rank // len(ranked)] for rank, row_id in enumerate(ranked)}


def _targets(num_hard: int, num_others: int, share: float) -> tuple[int, int]:
    """Return how many of both stay, as many as can, so that `share` of them are hard."""
    if num_hard < share * (num_hard + num_others):
        return num_hard, round(num_hard * (1.0 - share) / share)
    return (num_hard if share == 1.0 else round(num_others * share / (1.0 - share))), num_others


def _first(indices: Sequence[int], number: int, kept: Sequence[Candidate]) -> list[int]:
    return sorted(indices, key=lambda index: (_hash(draw_sha256(kept[index].row["messages"])), index))[:number]


def _hash(text: str) -> str:
    return hashlib.sha256(f"hard_share|{text}".encode()).hexdigest()


def _counts(buckets: Sequence[str]) -> dict[str, int]:
    counts = Counter(buckets)
    return {name: counts[name] for name in (*BUCKETS, "unknown") if name != "unknown" or counts[name]}
