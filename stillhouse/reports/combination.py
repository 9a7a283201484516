"""Says what the teacher reaches with the second opinion, of which the student learns."""

from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.build import quality_value
from stillhouse.reports.numbers import decimal, metric_name
from stillhouse.reports.schema.report import Report
from stillhouse.reports.verdict import gain_text


def combination_text(report: Report) -> str:
    """Return what the teacher reaches with the second opinion, against the student; empty without a second opinion."""
    role = ModelRole.TEACHER_WITH_OPINION
    model, metric = report.models.teacher_with_second_opinion, report.comparison.primary_metric
    if model is None:
        return ""
    return (
        f"The teacher with the second opinion, as the training labels are made, reaches {metric_name(metric)} "
        f"{decimal(quality_value(model, metric))}; the student {decimal(quality_value(report.student, metric))}, a "
        f"difference of {gain_text(report.comparison.gain_over.get(role))}."
    )
