"""Asks a teacher in rounds: choose prompts, ask, filter, teach a student, measure it, and stop where it no longer pays.

Every step is a stage: a run that is started again finds the rounds that were finished, and no answer is paid twice.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stillhouse.artifacts.handle import Built
from stillhouse.dataset.summary import FilterSummary
from stillhouse.evaluation.evidence import VALIDATION, read_scored
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.scored import Scored
from stillhouse.evaluation.validation_truth import validation_truth
from stillhouse.inference.models import Checkpoint
from stillhouse.rounds.result import BUDGET_SPENT, Rounded, RoundResult, cost_of, why_stop
from stillhouse.skills.cases import read_cases
from tasks.asking.ask import ask_round
from tasks.asking.round import Asking, Round, asked_in
from tasks.asking.teach import teach_round
from tasks.balance import Rows
from tasks.filter import filter_completions
from tasks.gather import gather_answers
from tasks.mix import Completions, generate_completions
from tasks.orchestration.run import Run
from tasks.orchestration.student_models import StudentBase

if TYPE_CHECKING:
    from stillhouse.rounds.measure import Measure

log = logging.getLogger("stillhouse")


def ask_in_rounds(
    run: Run,
    teachers: list[Checkpoint],
    judge: Checkpoint | None,
    bases: list[StudentBase],
    rows: Rows,
    opinions: Built[Any] | None,
) -> Completions:
    """Return the teachers' completions: of all prompts, or with `rounds` of those that were worth asking about.

    Raises:
        BudgetSpent: in the first round, of which nothing could be learnt.
        DataError: the rows lack what routing or the measuring of rounds needs.
    """
    if run.recipe.rounds is None:
        return generate_completions(run, teachers, rows)
    asking = Asking(run, teachers, judge, bases, rows, opinions)
    rounds: list[Round] = []
    why = ""
    while not why:
        found = _next_round(asking, rounds)
        if found:
            rounds.append(found)
        why = why_stop([one.result for one in rounds], asking.rounds) if found else BUDGET_SPENT
    return _joined(rounds, why)


def _next_round(asking: Asking, before: Sequence[Round]) -> Round | None:
    """Return the round after those `before`, asked, learnt and measured; None if the budget allows no answer."""
    run, number, start = asking.run, len(before) + 1, len(asking.run.ledger)
    answered = ask_round(asking, before)
    if answered is None:
        return None
    # of requests alone: what a student's training costs is no cost of answers
    cost = cost_of([line for line in run.ledger[start:] if line.from_store is not None])
    asked = [*asked_in(before), answered.asked]
    built = [*(one for earlier in before for one in earlier.answered.built), *answered.built]
    gathered = gather_answers(run, asked, [one.ref for one in built])
    so_far = Completions(gathered, {1: built})
    dataset = filter_completions(run, so_far, asking.rows, None, asking.opinions, label=f"filter round {number}")
    is_last = answered.is_cut or not answered.left or number == asking.rounds.count
    student = teach_round(asking, dataset, asked, 0 if is_last else asking.rounds.pool)
    scored = read_scored(run.store.fetch(student.ref) / VALIDATION).get(ModelRole.STUDENT, {})
    measure = before[0].measure if before else _measure(asking, dataset, scored)
    answers = measure.answers_of(scored)
    result = RoundResult(
        number=number,
        prompts=answered.num_prompts,
        again=answered.num_again,
        examples=dataset.summary.rows.train,
        cost=cost,
        quality=measure.quality(answers),
        gain=measure.gain(answers, before[-1].on_validation) if before else None,
        is_cut=answered.is_cut,
        left=answered.left,
    )
    log.info(
        "round %d: %d prompts, %s %.3f on validation rows", number, result.prompts, measure.metric, result.quality.value
    )
    return Round(answered, gathered, dataset, student, measure, answers, result)


def _measure(asking: Asking, dataset: Built[FilterSummary], scored: Mapping[str, Scored]) -> Measure:
    """Return what all rounds are measured on, by the first round's training set."""
    run, rows = asking.run, asking.rows
    cases = read_cases(run.store.path(rows.splits.ref, "validation.parquet"), run.recipe.skill)
    truth = validation_truth(cases, run.store.fetch(dataset.ref), run.recipe.skill, rows.labels)
    # imported here: SciPy takes a second to load, and a run without rounds needs none of it
    from stillhouse.rounds.measure import measure_on

    return measure_on(cases, truth, scored, run.recipe, rows.labels)


def _joined(rounds: Sequence[Round], why: str) -> Completions:
    """Return the answers of all rounds, with what came of each."""
    last = rounds[-1]
    log.info("rounds: %d, since %s", len(rounds), why)
    results = tuple(one.result for one in rounds)
    found = Rounded(results, why, last.measure.metric, last.measure.by_references)
    return Completions(last.gathered, {1: [built for one in rounds for built in one.answered.built]}, found)
