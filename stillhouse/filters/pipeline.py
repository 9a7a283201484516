"""Runs the filters over the teachers' completions: what is kept, what is dropped and by which rule."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import reduce

from stillhouse.completions.completion import Completion
from stillhouse.data.row import Row
from stillhouse.filters.candidate import Candidate, read_candidates
from stillhouse.filters.combine import keep_best, keep_majority, votes_of, voting_groups
from stillhouse.filters.outcome import Decision, Drop, FilterResult, check_success
from stillhouse.filters.rules import (
    agreement,
    confidence,
    empty,
    failed,
    judge_score,
    language,
    near_duplicate,
    refusal,
    repetitive,
    too_long,
    truncated,
    unparsable,
    verification,
)
from stillhouse.recipe.filters import Filters
from stillhouse.recipe.routing import Mixing
from stillhouse.skills.registry import SkillModule, skill_for
from stillhouse.skills.skill import Skill

log = logging.getLogger(__name__)

Rule = Callable[[Candidate, Filters], str | None]
KEEP_ALL = Mixing()
NO_SCORES: Mapping[str, int | None] = {}

# the order of the fields of Filters; the first rule that objects names the reason
CANDIDATE_RULES: dict[str, Rule] = {
    "failed": failed.rule,
    "truncated": truncated.rule,
    "empty": empty.rule,
    "refused": refusal.rule,
    "repetitive": repetitive.rule,
    "language": language.rule,
    "unparsable": unparsable.rule,
    "too_long": too_long.rule,
    "verification": verification.rule,
    "judge": judge_score.rule,
}


def apply_filters(
    rows: Sequence[Row],
    completions: Mapping[str, Sequence[Completion]],
    filters: Filters,
    skill: Skill,
    labels: Sequence[str],
    mixing: Mixing = KEEP_ALL,
    scores: Mapping[str, int | None] = NO_SCORES,
) -> FilterResult:
    """Return the completions worth training on, and the others with the rule that dropped them.

    A prompt with several completions keeps one, the most confident of the majority, if the skill's answers can agree.
    Each teacher's completions are judged by themselves, unless the teachers vote together.

    Args:
        rows: the prompts, in order; a row that is in there twice is judged twice.
        completions: by row id, teacher by teacher, in the order of their rollout index.
        mixing: what is kept of several teachers' answers to one prompt.
        scores: a judge's, by the completions' keys.

    Raises:
        QualityError: fewer prompts than `filters.min_success_ratio` keep an answer.
    """
    module = skill_for(skill.kind)
    result = FilterResult()
    for row in rows:
        candidates = read_candidates(row, completions.get(row["id"], ()), skill, labels, scores)
        if not candidates:
            result.record_unanswered(row)
        decision = _judge_prompt(candidates, filters, module, mixing)
        result.kept += decision.kept
        result.record(decision.dropped)
    if module.closed_answers:
        _warn_without_effect(filters)
    else:
        decision = _without_near_duplicates(result.kept, filters)
        result.kept = list(decision.kept)
        result.record(decision.dropped)
    num_in = sum(max(1, len(completions.get(row["id"], ()))) for row in rows)
    assert result.num_in == num_in, f"{num_in} completions in, {result.num_in} accounted for"
    check_success(rows, result, filters)
    return result


def _judge_prompt(candidates: Sequence[Candidate], filters: Filters, module: SkillModule, mixing: Mixing) -> Decision:
    """Judge each group of a prompt's candidates that votes together, then choose among what the groups keep."""
    groups = [_judge_group(group, filters, module) for group in voting_groups(candidates, mixing)]
    decision = reduce(Decision.beside, groups, Decision(()))
    return decision.then(keep_best(decision.kept, mixing))


def _judge_group(group: Sequence[Candidate], filters: Filters, module: SkillModule) -> Decision:
    """Judge each candidate by itself, then let those that are left vote, then judge how sure the winner is."""
    decision = _sift(group, lambda candidate: _first_objection(candidate, filters))
    num_answered = len(group) - sum(drop.reason == "failed" for drop in decision.dropped)
    votes = votes_of(decision.kept, module)
    decision = decision.then(_agreeing(decision.kept, votes, num_answered, filters))
    decision = decision.then(keep_majority(decision.kept, votes, module))
    return decision.then(_sift(decision.kept, lambda candidate: _doubt(candidate, filters)))


def _sift(candidates: Sequence[Candidate], objection: Callable[[Candidate], Drop | None]) -> Decision:
    drops = [objection(candidate) for candidate in candidates]
    kept = tuple(candidate for candidate, drop in zip(candidates, drops, strict=True) if drop is None)
    return Decision(kept, tuple(drop for drop in drops if drop is not None))


def _first_objection(candidate: Candidate, filters: Filters) -> Drop | None:
    for reason, rule in CANDIDATE_RULES.items():
        if (detail := rule(candidate, filters)) is not None:
            return Drop(candidate, reason, detail)
    return None


def _doubt(candidate: Candidate, filters: Filters) -> Drop | None:
    detail = confidence.rule(candidate, filters)
    return None if detail is None else Drop(candidate, "confidence", detail)


def _agreeing(candidates: tuple[Candidate, ...], votes: Sequence[str], num_answered: int, filters: Filters) -> Decision:
    objection = agreement.rule(votes, num_answered, filters)
    if objection is None:
        return Decision(candidates)
    return Decision((), tuple(Drop(candidate, "agreement", objection) for candidate in candidates))


def _without_near_duplicates(candidates: Sequence[Candidate], filters: Filters) -> Decision:
    objections = near_duplicate.rules([candidate.target for candidate in candidates], filters)
    pairs = list(zip(candidates, objections, strict=True))
    kept = tuple(candidate for candidate, detail in pairs if detail is None)
    return Decision(
        kept, tuple(Drop(candidate, "near_duplicate", detail) for candidate, detail in pairs if detail is not None)
    )


def _warn_without_effect(filters: Filters) -> None:
    if filters.near_duplicate_threshold < 1.0:
        log.warning("filters.near_duplicate_threshold has no effect here: this skill's answers come from a fixed set")
