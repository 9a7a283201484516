"""Puts a sweep's trials together: the winner, what mattered, and the price of the choice."""

from collections.abc import Mapping, Sequence
from typing import Any

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.costs.ledger import total
from stillhouse.errors import QualityError, StoreError
from stillhouse.evaluation.validation_truth import Truth
from stillhouse.recipe.checks.sweep import sweep_of
from stillhouse.recipe.sweep import Sweep
from stillhouse.reports.schema.sweep import SelectionCost, SweepResult, SweepRung, SweepTrial
from stillhouse.sweep import importance, selection_price
from stillhouse.sweep.choice import candidates, nearest, pareto_front, winner_of
from stillhouse.sweep.score import Scored, objective_of, score_answers
from stillhouse.sweep.trial import Trial
from tasks.orchestration.run import Run
from tasks.sweeping.control import why_ended
from tasks.sweeping.prepared import Prepared, requests_of


def sweep_result(
    run: Run, key: str, trials: Sequence[Trial], data: Prepared, truth: Mapping[str, Truth]
) -> SweepResult:
    """Return all trials with their winner.

    Raises:
        QualityError: no trial came through.
    """
    sweep = sweep_of(run.recipe)
    complete = [trial for trial in trials if trial.state == "complete"]
    if not complete:
        why = next((trial.why for trial in trials if trial.why), "the budget allowed none")
        raise QualityError(f"sweep: no trial came through: {why}")
    limits = sweep.constraints.limits
    winner = winner_of(trials, limits)
    price, why_none = _selection(run, candidates(trials, limits), data, truth)
    found = importance.importances(sweep, trials)
    return SweepResult(
        study=key,
        metric=objective_of(run.recipe),
        validation_rows=max(trial.rungs[-1].validation_rows for trial in complete),
        space=sweep.model_dump(mode="json")["space"],
        constraints=limits,
        trials=_blocks(sweep, trials),
        winner=winner.number if winner else None,
        ended=why_ended(sweep, trials) or "it was ended",
        importances=found,
        importance_method=importance.METHOD if found else _why_no_importance(len(complete)),
        selection=price,
        why_no_selection=why_none,
        requests_before=requests_of(run)[0],
        requests=sum(trial.requests for trial in trials),
        seconds=round(sum(trial.seconds for trial in trials), 3),
        cost_usd=total(trial.cost_usd for trial in trials),
    )


def winning(result: SweepResult, trials: Sequence[Trial]) -> Trial:
    """Return the trial that won.

    Raises:
        QualityError: none keeps to the limits; the message names the nearest.
    """
    if result.winner is not None:
        return next(trial for trial in trials if trial.number == result.winner)
    found = nearest(trials, result.constraints)
    assert found is not None, "complete trials without limits have a winner"
    trial, limit = found
    value = getattr(trial.measures, limit)
    shown = "not measured" if value is None else f"{value:.4g}"
    raise QualityError(
        f"sweep.constraints: none of {len(trials)} trials keeps to them. The nearest is trial {trial.number} with "
        f"{limit} {shown}, and {result.constraints[limit]:.4g} is the most. Raise it, or widen sweep.space."
    )


def _why_no_importance(number: int) -> str:
    if number < importance.LEAST_TRIALS:
        return f"not computed: {number} complete trials, and it takes {importance.LEAST_TRIALS}"
    return "not computed: all complete trials have the same score"


def _blocks(sweep: Sweep, trials: Sequence[Trial]) -> tuple[SweepTrial, ...]:
    front, limits = pareto_front(trials), sweep.constraints.limits
    allowed = {trial.number for trial in candidates(trials, limits)}
    return tuple(
        SweepTrial(
            number=trial.number,
            fields=trial.fields,
            state=trial.state,
            why=trial.why,
            score=trial.score,
            rungs=tuple(
                SweepRung(share=one.share, rows=one.rows, score=one.score, seconds=one.seconds) for one in trial.rungs
            ),
            seconds=round(trial.seconds, 3),
            cost_usd=trial.cost_usd,
            requests=trial.requests,
            within_limits=trial.number in allowed if trial.state == "complete" else None,
            on_front=trial.number in front,
            **trial.measures.model_dump(),
        )
        for trial in trials
    )


def _selection(
    run: Run, found: Sequence[Trial], data: Prepared, truth: Mapping[str, Truth]
) -> tuple[SelectionCost | None, str]:
    """Return the price of the choice among trials, or None and why it is not known."""
    if len(found) < 2:
        return None, "there was no choice: fewer than two trials are complete and within the limits"
    try:
        scored = [_scored(run, trial, data, truth) for trial in found]
    except StoreError as error:
        return None, f"the answers of a trial are no longer in the store: {error}"
    if len({one.rows for one in scored}) > 1:
        return None, "the trials answered different validation rows"
    settings, num_rows = run.recipe.evaluation, len(scored[0].rows)
    # in the order in which equal scores are decided between
    price = selection_price.selection_price(
        [one.value for one in scored], num_rows, confidence=settings.confidence, seed=settings.seed
    )
    if price is None:
        return None, "there is a single validation row"
    numbers: dict[str, Any] = {
        name: getattr(price, name) for name in ("chosen", "expected", "low", "high", "optimism", "resamples")
    }
    return SelectionCost(candidates=len(found), rows=num_rows, method=selection_price.METHOD, **numbers), ""


def _scored(run: Run, trial: Trial, data: Prepared, truth: Mapping[str, Truth]) -> Scored:
    ref = ArtifactRef(stage="evaluate_trial", fingerprint=trial.rungs[-1].answers)
    return score_answers(run.store.fetch(ref), truth, run.recipe, data.rows.labels)
