"""Checks before work starts that the metric which models are compared by can be measured on the test rows."""

from pathlib import Path

from stillhouse.errors import DataError
from stillhouse.metrics.metric import Metric
from stillhouse.skills.cases import read_cases
from stillhouse.skills.skill import Skill


def check_measurable(test: Path, metric: Metric, skill: Skill) -> None:
    """Return if some row of the Parquet file `test` has what `metric`, the recipe's first, needs.

    Raises:
        DataError: none has: the comparison would be of nothing.
    """
    references = [case["references"] for case in read_cases(test, skill)]
    if not metric.is_measured(references, skill):
        raise DataError(
            f"evaluation.metrics begins with {metric.name}, by which models are compared, and of {len(references)} "
            f"test rows {metric.why_not}. Name another first, such as {skill.metrics[0].name}, or add such rows to "
            "data.test."
        )
