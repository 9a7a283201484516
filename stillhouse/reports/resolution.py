"""Says where a test set is too small to show what it is asked."""

from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.numbers import count, decimal
from stillhouse.reports.schema.report import Report

_USEFUL = 0.1  # who needs more than ten points to see a difference sees none of those that are met
_WANTED = 0.05
_FEWEST = 5


def too_few_rows(report: Report) -> str:
    """Return a sentence if the test rows show no difference below ten points from what decides; empty if they do.

    That is the strongest alternative, or the teacher where there is none. The rows needed grow with the square.
    """
    comparison = report.comparison
    role = ModelRole(comparison.strongest_alternative or ModelRole.TEACHER)
    gain, student = comparison.gain_over.get(role), report.student
    estimate = student.quality.get(comparison.primary_metric) if student else None
    if gain is None or estimate is None or estimate.n is None:
        return ""
    if gain.smallest is None:
        return f"{count(estimate.n)} test rows are too few to show any difference." if estimate.n < _FEWEST else ""
    if gain.smallest <= _USEFUL:
        return ""
    needed = float(f"{estimate.n * (gain.smallest / _WANTED) ** 2:.2g}")
    return (
        f"{count(estimate.n)} test rows are too few: a difference from “{role.label}” shows only from "
        f"{decimal(gain.smallest, 2)} on. About {count(needed)} such rows would show {_WANTED:g}."
    )
