"""The models of a report in the order of its tables: those measured, and those that were not, with the reason."""

from dataclasses import dataclass

from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.schema.models import Model
from stillhouse.reports.schema.report import Report


@dataclass(frozen=True)
class Entry:
    """One measured model of the comparison."""

    role: ModelRole
    model: Model
    is_better_baseline: bool = False
    is_compared: bool = False  # the student that the comparison is about


def entries(report: Report) -> list[Entry]:
    """Return the measured models, student first, but for a baseline or champion that repeats an entry."""
    measured = []
    which = report.models.baseline.which if report.models.baseline else None
    for role in ModelRole:
        model: Model | None = getattr(report.models, role)
        if model is not None and not (model.which and getattr(report.models, model.which, None)):
            is_better_baseline = role == which or role is ModelRole.BASELINE
            measured.append(Entry(role, model, is_better_baseline, role == report.comparison.student))
    return measured


def missing_models(report: Report) -> dict[ModelRole, str]:
    """Return why each model that belongs to the comparison was not measured."""
    return {ModelRole(name): why for name, why in report.comparison.not_measured.items() if name in set(ModelRole)}
