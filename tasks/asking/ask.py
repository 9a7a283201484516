"""Asks a teacher about the prompts of one round, as far as the budget goes."""

from collections.abc import Sequence
from typing import NamedTuple

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.errors import BudgetSpent
from stillhouse.recipe.costs import Budget
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.rounds import Rounds
from tasks.asking.round import Answered, Asking, Round, asked_in
from tasks.choose_failed import failed_of
from tasks.choose_prompts import ChoosePromptsSummary, choose_for_round
from tasks.generate import generate_with
from tasks.judge import score_answers
from tasks.keep_answered import answered_of
from tasks.orchestration.run import Run


def ask_round(asking: Asking, before: Sequence[Round]) -> Answered | None:
    """Return what the teacher answers in the next round; None if the budget allows no answer at all.

    Raises:
        BudgetSpent: in the first round, of which nothing could be learnt.
    """
    try:
        scores = _scores(asking, before)
    except BudgetSpent:
        return None
    student = before[-1].student.ref if before else None
    chosen = choose_for_round(asking.run, asking.rows, asked_in(before), student, scores)
    suffix = f" round {len(before) + 1}"
    run = asking.run.with_recipe(_within(asking.run.recipe, asking.rounds))
    try:
        built = generate_with(run, 0, asking.teachers[0], asking.rows, chosen.ref, suffix)
    except BudgetSpent:
        if not before:
            raise
        return _cut_short(asking, run, chosen, suffix)
    again, found = _ask_again(asking, before), chosen.summary
    return Answered(
        asked=chosen.ref,
        again=again.asked,
        built=(built, *([again.built] if again.built else [])),
        num_prompts=found.chosen,
        num_again=again.built.summary.requests if again.built else 0,
        left=found.left,
        is_cut=again.is_cut,
    )


def _scores(asking: Asking, before: Sequence[Round]) -> ArtifactRef | None:
    """Return the judge's scores of what the last student answered to prompts not asked yet, if these decide."""
    if asking.rounds.choose != "judged_wrong" or not before:
        return None
    assert asking.judge is not None, "a recipe whose judge chooses has one"
    run = asking.run.with_recipe(_within(asking.run.recipe, asking.rounds))
    suffix = f" round {len(before) + 1}"
    return score_answers(run, asking.judge, before[-1].student.ref, asking.rows, suffix).ref


def _cut_short(asking: Asking, run: Run, chosen: Built[ChoosePromptsSummary], suffix: str) -> Answered | None:
    """Return the answers that came before the budget was spent; None if none did."""
    teacher, rows = asking.teachers[0], asking.rows
    kept = answered_of(run, teacher, rows, chosen.ref, suffix)
    if not kept.summary.kept:
        return None
    # all are stored: nothing is requested
    built = generate_with(run, 0, teacher, rows, kept.ref, suffix)
    num, found = kept.summary.kept, chosen.summary
    return Answered(kept.ref, None, (built,), num, 0, found.left + found.chosen - num, is_cut=True)


class _Again(NamedTuple):
    """Prompts that were asked again, their answers, and whether the budget ended them; none where none had failed."""

    asked: ArtifactRef | None = None
    built: Built[GenerationSummary] | None = None
    is_cut: bool = False


def _ask_again(asking: Asking, before: Sequence[Round]) -> _Again:
    """Return the earlier prompts that failed and several answers to each, as far as the budget has room."""
    if not asking.rounds.samples_where_failed or not before:
        return _Again()
    tried = [one.answered.again for one in before if one.answered.again]
    last = before[-1]
    failed = failed_of(asking.run, last.gathered, last.dataset, asked_in(before), tried)
    if not failed.summary.failed:
        return _Again()
    run = asking.run.with_recipe(_sampling(_within(asking.run.recipe, asking.rounds), asking.rounds))
    suffix = f" round {len(before) + 1} again"
    try:
        return _Again(failed.ref, generate_with(run, 0, asking.teachers[0], asking.rows, failed.ref, suffix))
    except BudgetSpent:
        kept = answered_of(run, asking.teachers[0], asking.rows, failed.ref, suffix)
        if not kept.summary.kept:
            return _Again(is_cut=True)
        built = generate_with(run, 0, asking.teachers[0], asking.rows, kept.ref, suffix)
        return _Again(kept.ref, built, is_cut=True)


def _within(recipe: Recipe, rounds: Rounds) -> Recipe:
    """Return the recipe with the share of its budget that rounds may use."""
    budget, share = recipe.budget, rounds.share_of_budget
    own = Budget(
        usd=budget.usd and budget.usd * share,
        tokens=budget.tokens and max(1, int(budget.tokens * share)),
        hours=budget.hours and budget.hours * share,
    )
    return recipe.model_copy(update={"budget": own})


def _sampling(recipe: Recipe, rounds: Rounds) -> Recipe:
    """Return the recipe with a teacher that is asked several times at a temperature."""
    teacher = recipe.teacher
    changed = {"n": rounds.samples_where_failed, "temperature": rounds.failed_temperature}
    sampling = type(teacher.sampling).model_validate(teacher.sampling.model_dump() | changed)
    return recipe.model_copy(update={"teachers": (teacher.model_copy(update={"sampling": sampling}),)})
