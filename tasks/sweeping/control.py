"""The rules of a sweep: what it may still take, what ends a trial and not the sweep, and what is said before."""

import logging
from collections.abc import Sequence

from stillhouse.costs.ledger import budget_usage
from stillhouse.costs.price import HOUR_S, resolve_price
from stillhouse.errors import (
    BudgetSpent,
    DataError,
    ModelError,
    QualityError,
    RecipeError,
    UserError,
    WorkerError,
)
from stillhouse.recipe.checks.sweep import sweep_of
from stillhouse.recipe.overrides import value_at
from stillhouse.recipe.recipe import Recipe
from stillhouse.recipe.sweep import Sweep
from stillhouse.recipe.swept_requests import asking_fields
from stillhouse.sweep.sampling import suggest
from stillhouse.sweep.study import Study
from stillhouse.sweep.trial import Fields, Trial
from tasks.orchestration.run import Run
from tasks.sweeping.prepared import Prepared

log = logging.getLogger("stillhouse")

# what a trial's own values can bring about; trouble of the store or a server ends the sweep, which then goes on later
_OF_THE_TRIAL = (BudgetSpent, DataError, ModelError, QualityError, RecipeError, WorkerError)
# a sweep whose first trials all fail has a fault that no values mend
_MOST_FAILURES = 3


def begin(run: Run, study: Study, data: Prepared) -> None:
    """Note what all trials have in common, and say what they may ask of the teacher.

    Raises:
        RecipeError: a budget in dollars has no price to count further requests with.
    """
    sweep = sweep_of(run.recipe)
    if study.noted("study") is None:
        refs = {"split": data.rows.splits.ref.model_dump(), "dataset": data.dataset.ref.model_dump()}
        study.note("study", {"recipe": run.recipe.name, "teacher_usd": budget_usage(run.ledger).usd, **refs})
    if not (asking := asking_fields(run.recipe)):
        log.info("sweep: no swept field changes what a teacher is asked: the trials send no request")
        return
    once = sum(line.life.requests or 0 for line in run.ledger if line.from_store is not None)
    limit = "" if sweep.budget.usd is None else f", within sweep.budget.usd: {sweep.budget.usd:g}"
    log.warning(
        "sweep: %s may change what a teacher is asked: up to %d requests a trial, %d for %d trials%s",
        ", ".join(asking), once, once * sweep.most_trials, sweep.most_trials, limit,
    )  # fmt: skip
    unknown = [at for at, one in run.recipe.served_models.items() if not resolve_price(one, run.recipe.costs).is_known]
    if sweep.budget.usd is not None and unknown:
        raise RecipeError(
            f"sweep.budget.usd: {sweep.budget.usd:g} can't be held, since no price of {unknown[0]} is known and "
            f"{', '.join(asking)} may change what it is asked. Set {unknown[0]}.price, or limit sweep.budget.hours."
        )


def next_values(sweep: Sweep, trials: Sequence[Trial], recipe: Recipe) -> Fields | None:
    """Return the values of the next trial; None if the budget allows no further one."""
    own = {path: value_at(recipe.model_dump(mode="json"), path) for path in sweep.space}
    return None if spent(sweep, trials) else suggest(sweep, trials, own)


def spent(sweep: Sweep, trials: Sequence[Trial]) -> str:
    """Return which limit one more trial could exceed, if it took as much as the dearest so far; empty if none."""
    used = {
        "hours": [trial.seconds / HOUR_S for trial in trials],
        # hourly costs are known if there is a limit; those of a trial that asked an unpriced teacher count as none
        "usd": [trial.cost_usd or 0.0 for trial in trials],
    }
    for name, limit in sweep.budget.model_dump().items():
        amounts = used[name]
        if limit is not None and amounts and sum(amounts) + max(amounts) > limit:
            return (
                f"sweep.budget.{name}: {limit:g} allows no further trial: {len(trials)} took {sum(amounts):.3g}, the "
                f"dearest {max(amounts):.3g}"
            )
    return ""


def why_ended(sweep: Sweep, trials: Sequence[Trial]) -> str:
    """Return why there are no further trials."""
    if len(trials) >= sweep.most_trials:
        return f"all {len(trials)} trials are done"
    return spent(sweep, trials)


def within_budget(recipe: Recipe, study: Study, sweep: Sweep) -> Recipe:
    """Return a trial's recipe with a budget of its own: for requests it may spend what the sweep has left."""
    if sweep.budget.usd is None or not asking_fields(recipe):
        return recipe
    left = sweep.budget.usd - sum(trial.cost_usd or 0.0 for trial in study.trials())
    # a run's budget covers what it finds, too: with less than the data set took, not even that could be used
    most = max(left, (study.noted("study") or {}).get("teacher_usd", 0.0), 1e-9)
    own = recipe.budget.usd
    budget = recipe.budget.model_copy(update={"usd": most if own is None else min(own, most)})
    return recipe.model_copy(update={"budget": budget})


def fail(study: Study, number: int, error: UserError) -> None:
    """Note that a trial failed, and let the sweep go on.

    Raises:
        UserError: the fault is not the trial's, or no trial came through.
    """
    if not isinstance(error, _OF_THE_TRIAL):
        raise error
    study.put(study.trial(number).ended("failed", " ".join(str(error).split())))
    log.warning("trial %d failed: %s", number, error)
    states = [trial.state for trial in study.trials()]
    if states.count("failed") >= _MOST_FAILURES and {"complete", "pruned"}.isdisjoint(states):
        raise error
