"""Evens out the training rows."""

from typing import Any

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.data.balance import VERSION
from stillhouse.data.balance import balance as write_balanced
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage


@stage("balance", version=VERSION)
def balance(call: StageCall) -> dict[str, Any]:
    """Write train.parquet with the rows chosen by the recipe's rule."""
    return write_balanced(call.folder("split"), call.execution["balance"], call.work.folder)


def balance_rows(run: Run, sides: ArtifactRef) -> ArtifactRef:
    """Return the training rows after balancing; validation and test rows stay as they are."""
    rule = run.recipe.data.balance
    return run.build(balance, {"split": sides}, {"balance": rule}, balance=rule)
