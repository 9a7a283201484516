"""Puts every row on one side: train, validation, test or example."""

from typing import Any

from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.data.split import VERSION
from stillhouse.data.split import split as write_splits
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage

_RULES = {
    "validation_fraction",
    "test_fraction",
    "max_train_rows",
    "max_test_rows",
    "near_duplicate_threshold",
    "contamination_ngram",
}


@stage("split", version=VERSION)
def split(call: StageCall) -> dict[str, Any]:
    """Write one table a side, and the training rows dropped because a test row repeats them."""
    return write_splits(call.folder("rows"), call.execution["data"], call.identity["has_test"], call.work.folder)


def split_rows(run: Run, rows: ArtifactRef) -> ArtifactRef:
    """Return the sides of the validated rows."""
    data = run.recipe.data
    identity = {"rules": data.model_dump(include=_RULES), "has_test": data.test is not None}
    return run.build(split, {"rows": rows}, identity, data=data)
