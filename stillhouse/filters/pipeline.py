"""Runs the filters over the teachers' completions: what is kept, what is dropped and by which rule."""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stillhouse.completions.completion import Completion
from stillhouse.data.row import Row
from stillhouse.filters.candidate import Candidate, read_candidates
from stillhouse.filters.combine import Mixing, keep_best, keep_majority, votes_of, voting_groups
from stillhouse.filters.outcome import Drop, FilterResult, check_success, merge_results
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
    prompts = ((row, read_candidates(row, completions.get(row["id"], ()), skill, labels, scores)) for row in rows)
    result = merge_results(_filter_prompt(row, candidates, rules, skill, mixing) for row, candidates in prompts)
    if skill.has_labels:
        _warn_without_effect(filters)
    else:
        result = result.then(_filter_dataset(result.kept, rules.of_dataset))
    num_in = sum(max(1, len(completions.get(row["id"], ()))) for row in rows)
    assert result.num_in == num_in, f"{num_in} completions in, {result.num_in} accounted for"
    check_success(rows, result, filters)
    return result


class _Rules(NamedTuple):
    """The rules of a recipe by when they run: selected once, since each prompt runs them."""

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


def _filter_prompt(
    row: Row, candidates: Sequence[Candidate], rules: _Rules, skill: Skill, mixing: Mixing
) -> FilterResult:
    """Filter each group of a prompt's candidates that votes together, then choose among what the groups keep."""
    if not candidates:
        return FilterResult(dropped=(Drop(row, Failed.name, "no completion came back"),))
    result = merge_results(_filter_group(group, rules, skill) for group in voting_groups(candidates, mixing))
    return result.then(keep_best(result.kept, mixing))


def _filter_group(group: Sequence[Candidate], rules: _Rules, skill: Skill) -> FilterResult:
    """Filter candidates one by one, then by their votes; keep the majority's best if the last rules do."""
    result = _filter_each(group, rules.before_vote)
    num_answered = len(group) - sum(drop.reason == Failed.name for drop in result.dropped)
    votes = votes_of(result.kept, skill)
    result = result.then(_filter_votes(result.kept, votes, num_answered, rules.of_votes))
    result = result.then(keep_majority(result.kept, votes, skill))
    return result.then(_filter_each(result.kept, rules.after_vote))


def _filter_each(candidates: Sequence[Candidate], rules: Sequence[CandidateRule]) -> FilterResult:
    """Drop each candidate that a rule objects to; the first such rule names the reason."""
    pairs = [(candidate, _first_objection(candidate, rules)) for candidate in candidates]
    return FilterResult(
        tuple(candidate for candidate, drop in pairs if drop is None),
        tuple(drop for _, drop in pairs if drop is not None),
    )


def _first_objection(candidate: Candidate, rules: Sequence[CandidateRule]) -> Drop | None:
    for rule in rules:
        if (detail := rule.objection(candidate)) is not None:
            return Drop(candidate.row, rule.name, detail, candidate)
    return None


def _filter_votes(
    candidates: tuple[Candidate, ...], votes: Sequence[str], num_answered: int, rules: Sequence[PromptRule]
) -> FilterResult:
    """Drop all candidates if a rule objects to their votes."""
    for rule in rules:
        if (detail := rule.objection(votes, num_answered)) is not None:
            drops = (Drop(candidate.row, rule.name, detail, candidate) for candidate in candidates)
            return FilterResult(dropped=tuple(drops))
    return FilterResult(candidates)


def _filter_dataset(candidates: tuple[Candidate, ...], rules: Sequence[DatasetRule]) -> FilterResult:
    """Drop the candidates of all prompts that a rule objects to when it sees all answers."""
    result = FilterResult(candidates)
    for rule in rules:
        details = rule.objections([candidate.wording(candidate.target) for candidate in result.kept])
        pairs = list(zip(result.kept, details, strict=True))
        kept = tuple(candidate for candidate, detail in pairs if detail is None)
        drops = (Drop(one.row, rule.name, detail, one) for one, detail in pairs if detail is not None)
        result = result.then(FilterResult(kept, tuple(drops)))
    return result


def _warn_without_effect(filters: Filters) -> None:
    if filters.rule(NearDuplicate).near_duplicate_threshold < 1.0:
        log.warning("filters.near_duplicate_threshold has no effect here: this skill's answers come from a fixed set")
