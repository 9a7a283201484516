"""Puts every row into one split: train, validation, test or examples."""

from typing import Any

from stillhouse.artifacts.handle import Built
from stillhouse.data.split import VERSION
from stillhouse.data.split import split as write_splits
from stillhouse.data.summaries import SplitSummary, ValidateSummary
from stillhouse.recipe.data import Data
from tasks.orchestration.params import Execution, Params
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


class SplitParams(Params):
    """The recipe's rules for splits."""

    rules: dict[str, Any]
    has_test: bool
    data: Execution[Data]


@stage("split", version=VERSION)
def split(call: StageCall[SplitParams]) -> SplitSummary:
    """Write train.parquet, validation.parquet, test.parquet, examples.parquet and dropped.parquet."""
    summary = write_splits(call.folder("rows"), call.params.data, call.params.has_test, call.work.folder)
    return SplitSummary.model_validate(summary)


def split_rows(run: Run, rows: Built[ValidateSummary]) -> Built[SplitSummary]:
    """Return the splits of the validated rows."""
    data = run.recipe.data
    params = SplitParams(rules=data.model_dump(include=_RULES), has_test=data.test is not None, data=data)
    return run.build(split, {"rows": rows.ref}, params)
