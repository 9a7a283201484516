"""Puts every row into one split: train, validation, test or examples."""

import logging
from typing import Annotated

from stillhouse.artifacts.handle import Built
from stillhouse.data.drop_messages import log_drops
from stillhouse.data.label_names import listed
from stillhouse.data.meta_columns import check_columns
from stillhouse.data.summaries import SplitSummary, ValidateSummary
from stillhouse.evaluation.first_metric import check_measurable
from stillhouse.recipe.data import Data
from stillhouse.skills.registry import METRICS
from tasks.orchestration.params import IfSet, Params, only
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage

logger = logging.getLogger(__name__)

_RULES = (
    "validation_fraction",
    "test_fraction",
    "max_train_rows",
    "max_test_rows",
    "near_duplicate_similarity",
    "test_similarity",
    "test_run_words",
)


class SplitParams(Params):
    """The recipe's rules for splits."""

    data: Annotated[Data, only(*_RULES, alias="rules")]
    has_test: bool
    has_groups: IfSet[bool] = False


@stage("split", version=2)
def split(call: StageCall[SplitParams]) -> SplitSummary:
    """Write train.parquet, validation.parquet, test.parquet, examples.parquet and dropped.parquet."""
    # imported here: a run that finds its artifact need not wait for polars
    from stillhouse.data.split import split as write_splits

    params = call.params
    return write_splits(
        call.folder("rows"), params.data, params.has_test, call.work.folder, has_groups=params.has_groups
    )


def split_rows(run: Run, rows: Built[ValidateSummary]) -> Built[SplitSummary]:
    """Return the splits of the validated rows.

    Raises:
        DataError: the test rows have nothing that the recipe's first metric measures, or not a column of
            evaluation.slices.
    """
    data = run.recipe.data
    params = SplitParams(data=data, has_test=data.test is not None, has_groups=data.has_groups)
    built = run.build(split, {"rows": rows.ref}, params)
    log_drops("split", built.summary.dropped, built.summary.examples_dropped)
    if rare := built.summary.rare_in_test:
        logger.warning("labels with fewer than five test rows: %s", listed(rare))
    if slices := run.recipe.evaluation.slices:
        check_columns(run.store.path(built.ref, "test.parquet"), slices, "evaluation.slices")
    first = METRICS[run.recipe.evaluation.metrics[0]]
    if first.needs:
        check_measurable(run.store.path(built.ref, "test.parquet"), first, run.recipe.skill)
    return built
