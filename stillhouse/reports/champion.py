"""Says what the student is against the champion of its name."""

from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.build import quality_value
from stillhouse.reports.numbers import NOT_MEASURED, decimal, metric_name
from stillhouse.reports.schema.report import Report
from stillhouse.reports.verdict import gain_text


def champion_text(report: Report) -> str:
    """Return what the student reaches against the champion on the same test rows; empty if there is none yet."""
    model, metric = report.models.champion, report.comparison.primary_metric
    if model is None:
        why = report.comparison.not_measured.get(ModelRole.CHAMPION)
        return f"Against the champion: {NOT_MEASURED}, {why}." if why else ""
    if model.which == report.comparison.student:
        return f"The student is the champion, {model.name}."
    other = report.students.get(model.which) if model.which else None
    who = f"{model.name}, which is “{other.name}”" if other else model.name
    return (
        f"The champion, {who}, reaches {metric_name(metric)} {decimal(quality_value(model, metric))} on these rows; "
        f"the student {decimal(quality_value(report.student, metric))}, a difference of "
        f"{gain_text(report.comparison.gain_over.get(ModelRole.CHAMPION))}."
    )
