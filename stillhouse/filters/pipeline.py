"""Runs the filters over a teacher's answers: what is kept, what is dropped and by which rule.

Separate because the rules judge one thing each, while order, voting and the books are kept here.
"""

import logging
from collections.abc import Callable, Mapping, Sequence

from stillhouse.completions.completion import Completion
from stillhouse.data.row import Row
from stillhouse.filters import combine
from stillhouse.filters.candidate import Sample
from stillhouse.filters.outcome import FilterResult, check_success
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

Rule = Callable[[Sample, Filters], str | None]
Indexed = combine.Indexed
KEEP_ALL = Mixing()
NO_SCORES: Mapping[str, int | None] = {}

# the order of the fields of Filters; the first rule that objects names the reason
SAMPLE_RULES: dict[str, Rule] = {
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


def apply(
    rows: Sequence[Row],
    completions: Mapping[str, Sequence[Completion]],
    filters: Filters,
    skill: Skill,
    labels: Sequence[str],
    mixed: Mixing = KEEP_ALL,
    scores: Mapping[str, int | None] = NO_SCORES,
) -> FilterResult:
    """Return the completions worth training on, and the others with the rule that dropped them.

    A prompt with several samples keeps, for a skill whose answers can agree, one: the most confident of the majority.
    Of several teachers each is judged by itself, unless they vote together.

    Args:
        rows: the prompts, in order; a row that stands there twice is judged twice.
        completions: by row id, teacher by teacher, in the order of their sample index.
        mixed: what is kept of several teachers' answers to one prompt.
        scores: a judge's, by the completions' keys.

    Raises:
        QualityError: when fewer prompts than `filters.min_success_ratio` keep an answer.
    """
    module = skill_for(skill.kind)
    result = FilterResult()
    kept: list[Indexed] = []
    for row in rows:
        answered = completions.get(row["id"], ())
        found = [_sample(row, one, module, labels, skill, scores.get(one.key)) for one in answered]
        if not found:
            result.drop_unanswered(row)
        left = [one for panel in combine.panels(found, mixed) for one in _judge_panel(panel, filters, module, result)]
        kept += combine.best(left, mixed, result)
    if module.closed_answers:
        _warn_without_effect(filters)
    else:
        kept = _without_near_duplicates(kept, filters, result)
    result.kept = [{"row": one.row, "completion": one.completion, "answer": one.target} for _, one in kept]
    num_in = sum(max(1, len(completions.get(row["id"], ()))) for row in rows)
    assert result.num_in == num_in, f"{num_in} completions in, {result.num_in} accounted for"
    check_success(rows, result, filters)
    return result


def _judge_panel(
    samples: Sequence[Indexed], filters: Filters, module: SkillModule, result: FilterResult
) -> list[Indexed]:
    """Return those samples of one prompt that stay, with their sample index; note the others in `result`."""
    left: list[Indexed] = []
    num_answered = 0
    for index, sample in samples:
        reason, detail = _first_objection(sample, filters)
        num_answered += reason != "failed"
        if reason is None:
            left.append((index, sample))
        else:
            result.drop(index, sample, reason, detail)
    ballots = _ballots(left, module)
    if objection := agreement.rule(ballots, num_answered, filters):
        for index, sample in left:
            result.drop(index, sample, "agreement", objection)
        return []
    return _confident(_voted(left, ballots, module, result), filters, result)


def _ballots(left: Sequence[Indexed], module: SkillModule) -> list[str]:
    """Return what each sample votes for: of answers that say the same, the one given first stands for all."""
    ballots: list[str] = []
    for _, sample in left:
        answer = sample.target if sample.answer is None else sample.answer
        ballots.append(next((earlier for earlier in ballots if module.same(earlier, answer)), answer))
    return ballots


def _sample(
    row: Row,
    completion: Completion,
    module: SkillModule,
    labels: Sequence[str],
    skill: Skill,
    judge_score: int | None,
) -> Sample:
    answer = module.parse(completion.text, labels, skill)
    references = row["references"]
    return Sample(
        row=row,
        completion=completion,
        answer=answer,
        agrees_with_reference=module.verify(answer, references) if references and answer is not None else None,
        is_prose=answer is None or module.has_wording(answer, skill),
        word_limit=skill.word_limit,
        judge_score=judge_score,
        lesson=None if answer is None else module.lesson(completion.text, answer, skill),
    )


def _first_objection(sample: Sample, filters: Filters) -> tuple[str | None, str]:
    for reason, rule in SAMPLE_RULES.items():
        if (detail := rule(sample, filters)) is not None:
            return reason, detail
    return None, ""


def _voted(left: list[Indexed], ballots: Sequence[str], module: SkillModule, result: FilterResult) -> list[Indexed]:
    """Return, for answers that can agree, the most confident sample of the majority's answer alone."""
    if len(left) < 2 or not module.votes:
        return left
    winner = agreement.majority(ballots)
    voters = [one for one, ballot in zip(left, ballots, strict=True) if ballot == winner]
    chosen = max(voters, key=lambda one: _confidence(one[1]))
    number = chosen[1].completion.teacher_number
    whose = f" of teacher {number}" if number else ""
    for one in left:
        if one is not chosen:
            result.drop(*one, "not_majority", f"the prompt's answer is {winner}, kept from sample {chosen[0]}{whose}")
    return [chosen]


def _confident(left: list[Indexed], filters: Filters, result: FilterResult) -> list[Indexed]:
    kept = []
    for index, sample in left:
        if (detail := confidence.rule(sample, filters)) is None:
            kept.append((index, sample))
        else:
            result.drop(index, sample, "confidence", detail)
    return kept


def _without_near_duplicates(samples: list[Indexed], filters: Filters, result: FilterResult) -> list[Indexed]:
    objections = near_duplicate.rules([sample.target for _, sample in samples], filters)
    for (index, sample), detail in zip(samples, objections, strict=True):
        if detail is not None:
            result.drop(index, sample, "near_duplicate", detail)
    return [one for one, detail in zip(samples, objections, strict=True) if detail is None]


def _confidence(sample: Sample) -> float:
    mean = sample.completion.mean_logprob
    return float("-inf") if mean is None else mean


def _warn_without_effect(filters: Filters) -> None:
    if filters.near_duplicate_threshold < 1.0:
        log.warning("filters.near_duplicate_threshold has no effect here: this skill's answers come from a fixed set")
