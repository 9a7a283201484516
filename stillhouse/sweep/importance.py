"""Which swept fields mattered: the share of the scores' variance that each explains."""

import math
from collections.abc import Sequence

from stillhouse.recipe.sweep import Sweep
from stillhouse.sweep.sampling import make_study
from stillhouse.sweep.trial import Trial

LEAST_TRIALS = 4
METHOD = "fANOVA of the scores of complete trials by a random forest (Hutter et al., ICML 2014), as Optuna computes it"


def importances(sweep: Sweep, trials: Sequence[Trial]) -> dict[str, float]:
    """Return the share of the scores' variance that each field explains, the greatest first; they sum up to 1.

    Empty with fewer than `LEAST_TRIALS` complete trials, or equal scores: nothing is explained then.
    """
    complete = [trial for trial in trials if trial.state == "complete"]
    scores = {trial.score for trial in complete}
    if len(complete) < LEAST_TRIALS or len(scores) < 2:
        return {}
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    study = make_study(sweep, complete)
    if len(study.trials) < LEAST_TRIALS:
        return {}
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=sweep.seed))
    return {path: float(share) for path, share in found.items() if not math.isnan(share)}
