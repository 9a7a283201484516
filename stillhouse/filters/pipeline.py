"""Runs the filters over the teachers' completions: what is kept, what is dropped and by which rule."""

import logging
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import NamedTuple

from stillhouse.completions.completion import Completion
from stillhouse.data.row import Row
from stillhouse.filters.candidate import Candidate, read_candidates
from stillhouse.filters.combine import Mixing, keep_best, keep_majority, votes_of, voting_groups
from stillhouse.filters.outcome import Decision, Drop, FilterResult, check_success
from stillhouse.filters.rule import CandidateRule, DatasetRule, PromptRule
from stillhouse.filters.rules.failed import Failed
from stillhouse.filters.rules.near_duplicate import NearDuplicate
from stillhouse.filters.settings import Filters
from stillhouse.skills.skill import Skill

log = logging.getLogger(__name__)

KEEP_ALL = Mixing()
NO_SCORES: Mapping[str, int | None] = {}


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
    Each teacher's completions are filtered by themselves, unless the teachers vote together.

    Args:
        rows: the prompts, in order; a row that is in there twice is filtered twice.
        completions: by row id, teacher by teacher, in the order of their rollout index.
        mixing: what is kept of several teachers' answers to one prompt.
        scores: a judge's, by the completions' keys.

    Raises:
        QualityError: fewer prompts than `filters.min_success_ratio` keep an answer.
    """
    rules = _rules_of(filters)
    result = FilterResult()
    for row in rows:
        candidates = read_candidates(row, completions.get(row["id"], ()), skill, labels, scores)
        if not candidates:
            result.record_unanswered(row)
        decision = _filter_prompt(candidates, rules, skill, mixing)
        result.kept += decision.kept
        result.record(decision.dropped)
    if skill.has_labels:
        _warn_without_effect(filters)
    else:
        decision = _filter_dataset(result.kept, rules.of_dataset)
        result.kept = list(decision.kept)
        result.record(decision.dropped)
    num_in = sum(max(1, len(completions.get(row["id"], ()))) for row in rows)
    assert result.num_in == num_in, f"{num_in} completions in, {result.num_in} accounted for"
    check_success(rows, result, filters)
    return result


class _Rules(NamedTuple):
    """The rules of a recipe by when they run."""

    before_vote: list[CandidateRule]
    of_votes: list[PromptRule]
    after_vote: list[CandidateRule]
    of_dataset: list[DatasetRule]


def _rules_of(filters: Filters) -> _Rules:
    rules = filters.rules()
    of_candidates = [rule for rule in rules if isinstance(rule, CandidateRule)]
    return _Rules(
        before_vote=[rule for rule in of_candidates if not rule.runs_after_vote],
        of_votes=[rule for rule in rules if isinstance(rule, PromptRule)],
        after_vote=[rule for rule in of_candidates if rule.runs_after_vote],
        of_dataset=[rule for rule in rules if isinstance(rule, DatasetRule)],
    )


def _filter_prompt(candidates: Sequence[Candidate], rules: _Rules, skill: Skill, mixing: Mixing) -> Decision:
    """Filter each group of a prompt's candidates that votes together, then choose among what the groups keep."""
    groups = [_filter_group(group, rules, skill) for group in voting_groups(candidates, mixing)]
    decision = reduce(Decision.beside, groups, Decision(()))
    return decision.then(keep_best(decision.kept, mixing))


def _filter_group(group: Sequence[Candidate], rules: _Rules, skill: Skill) -> Decision:
    """Filter candidates one by one, then by their votes; keep the majority's best if the last rules do."""
    decision = _filter_each(group, rules.before_vote)
    num_answered = len(group) - sum(drop.reason == Failed.name for drop in decision.dropped)
    votes = votes_of(decision.kept, skill)
    decision = decision.then(_filter_votes(decision.kept, votes, num_answered, rules.of_votes))
    decision = decision.then(keep_majority(decision.kept, votes, skill))
    return decision.then(_filter_each(decision.kept, rules.after_vote))


def _filter_each(candidates: Sequence[Candidate], rules: Sequence[CandidateRule]) -> Decision:
    """Drop each candidate that a rule objects to; the first such rule names the reason."""
    drops = [_first_objection(candidate, rules) for candidate in candidates]
    kept = tuple(candidate for candidate, drop in zip(candidates, drops, strict=True) if drop is None)
    return Decision(kept, tuple(drop for drop in drops if drop is not None))


def _first_objection(candidate: Candidate, rules: Sequence[CandidateRule]) -> Drop | None:
    for rule in rules:
        if (detail := rule.objection(candidate)) is not None:
            return Drop(candidate, rule.name, detail)
    return None


def _filter_votes(
    candidates: tuple[Candidate, ...], votes: Sequence[str], num_answered: int, rules: Sequence[PromptRule]
) -> Decision:
    """Drop all candidates if a rule objects to their votes."""
    for rule in rules:
        if (detail := rule.objection(votes, num_answered)) is not None:
            return Decision((), tuple(Drop(candidate, rule.name, detail) for candidate in candidates))
    return Decision(candidates)


def _filter_dataset(candidates: Sequence[Candidate], rules: Sequence[DatasetRule]) -> Decision:
    """Drop the candidates of all prompts that a rule objects to when it sees all answers."""
    decision = Decision(tuple(candidates))
    for rule in rules:
        details = rule.objections([candidate.target for candidate in decision.kept])
        pairs = list(zip(decision.kept, details, strict=True))
        kept = tuple(candidate for candidate, detail in pairs if detail is None)
        drops = (Drop(candidate, rule.name, detail) for candidate, detail in pairs if detail is not None)
        decision = decision.then(Decision(kept, tuple(drops)))
    return decision


def _warn_without_effect(filters: Filters) -> None:
    if filters.rule(NearDuplicate).near_duplicate_threshold < 1.0:
        log.warning("filters.near_duplicate_threshold has no effect here: this skill's answers come from a fixed set")
