"""How hard a prompt is for its teacher, and the share of hard ones among a student's training rows.

Separate because it chooses among answers that all rules have kept: a row is left out for being common, not for being
bad.

Difficulty is the first of these that is known, for all prompts alike:
- disagreement: the share of a prompt's samples that do not say what is kept, where several were drawn and can agree;
  of equal ones, the less probable answer is the harder one
- margin: 1 less the distance between the two most probable labels, where the teacher's label scores were asked
- logprob: the kept answer's mean log-probability a token, negated
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stillhouse.completions.completion import Completion
from stillhouse.errors import QualityError
from stillhouse.filters.outcome import FilterResult
from stillhouse.skills.registry import skill_for
from stillhouse.skills.skill import Skill
from stillhouse.teachers.calibration import probabilities

Kept = dict[str, Any]
Scores = Mapping[str, Sequence[float] | None]
Difficulty = tuple[float, float]  # the measure, then what decides between equal ones

BUCKETS = ("easy", "medium", "hard")  # a third of the rows each, by rank


def subsample_by_difficulty(
    result: FilterResult,
    completions: Mapping[str, Sequence[Completion]],
    scores: Scores,
    prior: Sequence[float] | None,
    skill: Skill,
    labels: Sequence[str],
    share: float,
) -> dict[str, Any]:
    """Drop kept answers of `result` until `share` of them are of hard prompts; return the counts by bucket.

    As many stay as can. Which ones goes by a hash of their content, so that a grown data set keeps most of its choice.

    Args:
        completions: by row id, all samples.
        scores: by row id, the log-probability of each label, where it was asked.

    Raises:
        QualityError: no answer's difficulty is known.
    """
    measure, found = _difficulties(result.kept, completions, scores, prior, skill, labels)
    if not found:
        raise QualityError(
            "filters.hard_share: the difficulty of no answer is known, for want of several samples and of "
            "log-probabilities. Set sampling.n above 1, take a teacher that gives log-probabilities, or leave it out."
        )
    bucket = _buckets(found)
    hard = [at for at, one in enumerate(result.kept) if bucket.get(one["row"]["id"]) == "hard"]
    others = [at for at, one in enumerate(result.kept) if bucket.get(one["row"]["id"]) != "hard"]
    num_hard, num_others = _targets(len(hard), len(others), share)
    stay = {*_first(hard, num_hard, result.kept), *_first(others, num_others, result.kept)}
    before = _counts(result.kept, bucket)
    for at, one in enumerate(result.kept):
        if at not in stay:
            name = bucket.get(one["row"]["id"], "unknown")
            result.drop_kept(one, completions, "hard_share", f"{name} by {measure}; {share:.0%} are to be hard")
    result.kept = [one for at, one in enumerate(result.kept) if at in stay]
    return {"measure": measure, "share": share, "before": before, "after": _counts(result.kept, bucket)}


def _difficulties(
    kept: Sequence[Kept],
    completions: Mapping[str, Sequence[Completion]],
    scores: Scores,
    prior: Sequence[float] | None,
    skill: Skill,
    labels: Sequence[str],
) -> tuple[str, dict[str, Difficulty]]:
    module = skill_for(skill.kind)
    once = {one["row"]["id"]: one for one in kept}
    if module.votes and any(len(completions[name]) > 1 for name in once):

        def disagreement(one: Kept) -> Difficulty:
            samples = completions[one["row"]["id"]]
            mine = module.parse(one["completion"].text, labels, skill)
            read = [module.parse(sample.text, labels, skill) for sample in samples]
            agreeing = sum(mine is not None and answer is not None and module.same(mine, answer) for answer in read)
            return 1.0 - agreeing / len(samples), -(one["completion"].mean_logprob or 0.0)

        return "disagreement", {name: disagreement(one) for name, one in once.items()}
    if once and all(scores.get(name) for name in once):
        return "margin", {name: (_doubt(scores[name], prior), 0.0) for name in once}
    known = {name: one["completion"].mean_logprob for name, one in once.items()}
    return "logprob", {name: (-mean, 0.0) for name, mean in known.items() if mean is not None}


def _doubt(scores: Sequence[float] | None, prior: Sequence[float] | None) -> float:
    assert scores is not None
    second, first = np.sort(probabilities(scores, prior))[-2:]
    return float(1.0 - (first - second))


def _buckets(found: Mapping[str, Difficulty]) -> dict[str, str]:
    """Return each row's third; of rows equally hard the order goes by a hash of their id."""
    ranked = sorted(found, key=lambda name: (found[name], _hash(name)))
    return {name: BUCKETS[3 * rank // len(ranked)] for rank, name in enumerate(ranked)}


def _targets(num_hard: int, num_others: int, share: float) -> tuple[int, int]:
    """Return how many of both stay, as many as can, so that `share` of them are hard."""
    if num_hard < share * (num_hard + num_others):
        return num_hard, round(num_hard * (1.0 - share) / share)
    return (num_hard if share == 1.0 else round(num_others * share / (1.0 - share))), num_others


def _first(places: Sequence[int], number: int, kept: Sequence[Kept]) -> list[int]:
    return sorted(places, key=lambda at: (_hash(kept[at]["row"]["content_sha256"]), at))[:number]


def _hash(text: str) -> str:
    return hashlib.sha256(f"hard_share|{text}".encode()).hexdigest()


def _counts(kept: Sequence[Kept], bucket: Mapping[str, str]) -> dict[str, int]:
    found = Counter(bucket.get(one["row"]["id"], "unknown") for one in kept)
    return {name: found[name] for name in (*BUCKETS, "unknown") if name != "unknown" or found[name]}
