"""The student that the report is about, as soon as all have answered the validation rows."""

from collections.abc import Sequence

from stillhouse.artifacts.handle import Built
from stillhouse.dataset.summary import FilterSummary
from stillhouse.evaluation.roles import ModelRole
from stillhouse.evaluation.spec import EvaluateSummary
from stillhouse.evaluation.validation_truth import Truth, validation_truth
from stillhouse.skills.cases import read_cases
from tasks.balance import Rows
from tasks.orchestration.run import Run


def truth_of(run: Run, rows: Rows, dataset: Built[FilterSummary]) -> dict[str, Truth]:
    """Return what counts as right on each validation row."""
    cases = read_cases(run.store.path(rows.splits.ref, "validation.parquet"), run.recipe.skill)
    return validation_truth(cases, run.store.fetch(dataset.ref), run.recipe.skill, rows.labels)


def best_student(
    run: Run, rows: Rows, dataset: Built[FilterSummary], evaluations: Sequence[Built[EvaluateSummary]]
) -> ModelRole:
    """Return the best student on validation rows; the main one if it is alone or the rows say nothing."""
    # imported here: statistics take a second to load, and the first stage need not wait for them
    from stillhouse.reports.students import compared_student, validation_blocks

    folders = [run.store.fetch(one.ref) for one in evaluations]
    return compared_student(validation_blocks(folders, truth_of(run, rows, dataset), run.recipe, rows.labels))
