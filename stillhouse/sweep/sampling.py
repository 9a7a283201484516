"""Which values the next trial tries: Optuna by ask and tell, told all stored trials anew for each.

So nothing but the trials is kept, and a sweep that was killed goes on as if it had not been.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stillhouse.recipe.sweep import Range, Sweep
from stillhouse.sweep.trial import Fields, Trial

if TYPE_CHECKING:
    import optuna

# draws before a repeated combination is tried again
_MOST_DRAWS = 32


def suggest(sweep: Sweep, trials: Sequence[Trial], own: Fields) -> Fields:
    """Return the values of the next trial; the first is the recipe as it is, if its `own` values are in the space.

    The same trials and seed give the same values.
    """
    if sweep.sampler == "grid":
        return _combination(sweep, len(trials))
    if not trials and all(_contains(sweep.space[path], own.get(path)) for path in sweep.space):
        return dict(own)
    study, known = make_study(sweep, trials), [trial.fields for trial in trials]
    distributions = distributions_of(sweep)
    for _ in range(_MOST_DRAWS):
        drawn = decode(sweep, study.ask(distributions).params)
        if drawn not in known:
            break
    return drawn


def make_study(sweep: Sweep, trials: Sequence[Trial]) -> "optuna.Study":
    """Return an Optuna study that knows the trials, but for failed ones and those with values out of the space."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seed = int(np.random.SeedSequence([sweep.seed, len(trials)]).generate_state(1)[0])
    startup = max(3, min(10, sweep.trials // 3))
    sampler: optuna.samplers.BaseSampler = (
        optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup)
        if sweep.sampler == "tpe"
        else optuna.samplers.RandomSampler(seed=seed)
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for trial in trials:
        if trial.state != "failed" and all(_contains(sweep.space[at], value) for at, value in trial.fields.items()):
            study.add_trial(_frozen(sweep, trial))
    return study


def distributions_of(sweep: Sweep) -> dict[str, "optuna.distributions.BaseDistribution"]:
    """Return Optuna's form of the space, by path."""
    return {path: _distribution(values) for path, values in sweep.space.items()}


def encode(sweep: Sweep, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as Optuna knows them: those of a list as JSON, since they may be whole sections."""
    return {at: one if isinstance(sweep.space[at], Range) else _key(one) for at, one in fields.items()}


def decode(sweep: Sweep, params: Mapping[str, Any]) -> Fields:
    """Return Optuna's values as the recipe has them."""
    return {at: one if isinstance(sweep.space[at], Range) else json.loads(one) for at, one in params.items()}


def _frozen(sweep: Sweep, trial: Trial) -> "optuna.trial.FrozenTrial":
    import optuna

    states = {
        "complete": optuna.trial.TrialState.COMPLETE,
        "pruned": optuna.trial.TrialState.PRUNED,
        "running": optuna.trial.TrialState.RUNNING,
    }
    return optuna.trial.create_trial(
        state=states[trial.state],
        value=trial.score,
        params=encode(sweep, trial.fields),
        distributions=distributions_of(sweep),
        intermediate_values={rung.rows: rung.score for rung in trial.rungs},
        constraints=trial.measures.excess(sweep.constraints.limits) if trial.state == "complete" else None,
    )


def _distribution(values: Range | tuple[Any, ...]) -> "optuna.distributions.BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not isinstance(values, Range):
        return CategoricalDistribution([_key(value) for value in values])
    if values.is_whole:
        return IntDistribution(int(values.low), int(values.high), log=values.log, step=int(values.step or 1))
    return FloatDistribution(float(values.low), float(values.high), log=values.log, step=values.step)


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _contains(values: Range | tuple[Any, ...], value: Any) -> bool:
    if not isinstance(values, Range):
        return _key(value) in map(_key, values)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return values.low <= value <= values.high and (not values.is_whole or isinstance(value, int))


def _combination(sweep: Sweep, number: int) -> Fields:
    lists = [values for values in sweep.space.values() if not isinstance(values, Range)]
    return dict(zip(sweep.space, next(itertools.islice(itertools.product(*lists), number, None)), strict=True))
