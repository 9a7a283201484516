"""Builds a report from its blocks; ratios are derived from the models, so that they agree with the numbers shown."""

from collections.abc import Callable
from typing import Any

from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.schema.gate import Gate
from stillhouse.reports.schema.models import Model, Models
from stillhouse.reports.schema.report import Report

Measure = Callable[[Model], float | None]


def build_report(**blocks: Any) -> Report:
    """Return the report of `blocks` (plain JSON types, with the keys of report.json).

    The ratios of `comparison` are derived from `models`. A missing block is null if it may be.

    Raises:
        pydantic.ValidationError: for a missing or unknown field, or a number that is NaN or infinite.
    """
    models = Models.model_validate(blocks["models"])
    nullable = dict.fromkeys(("data", "generation", "filter", "training", "gate"))
    comparison = {"gain_over_baseline": None, **blocks["comparison"]}
    comparison |= ratios(models, comparison["primary_metric"], comparison.get("student", ModelRole.STUDENT))
    return Report.model_validate({**nullable, **blocks, "models": models, "comparison": comparison})


def with_gate(report: Report, gate: Gate) -> Report:
    """Return `report` with its gate block, which is made from the report without one."""
    return report.model_copy(update={"gate": gate})


def report_json(report: Report) -> str:
    """Return report.json: two-space indent, fields in the order of the schema, equal reports give equal bytes."""
    return report.model_dump_json(indent=2) + "\n"


def quality_value(model: Model | None, metric: str) -> float | None:
    """Return the model's value of `metric`, or None if it was not measured."""
    estimate = model.quality.get(metric) if model else None
    return estimate.value if estimate else None


def ratios(models: Models, metric: str, role: ModelRole) -> dict[str, float | None]:
    """Return quality kept, reductions (fractions) and throughput ratio of a student against the teacher."""
    student, teacher = getattr(models, role), models.teacher
    is_cached = any(model and model.latency_uncached_ms for model in (student, teacher))

    def ratio(measure: Measure) -> float | None:
        if student is None or teacher is None:
            return None
        mine, theirs = measure(student), measure(teacher)
        return mine / theirs if mine is not None and theirs else None

    def reduction(measure: Measure) -> float | None:
        found = ratio(measure)
        return None if found is None else 1.0 - found

    return {
        "quality_retained": ratio(lambda model: quality_value(model, metric)),
        "latency_reduction": reduction(lambda model: model.latency_ms.p50 if model.latency_ms else None),
        "latency_reduction_uncached": reduction(_p50_uncached) if is_cached else None,
        "memory_reduction": reduction(lambda model: model.peak_memory_bytes),
        "weight_reduction": reduction(lambda model: model.weight_bytes),
        "throughput_ratio": ratio(lambda model: model.requests_per_second),
        "cost_reduction": reduction(lambda model: model.cost_usd_per_1k_requests),
    }


def _p50_uncached(model: Model) -> float | None:
    # of prompts that share nothing, nothing is cached
    latency = model.latency_uncached_ms or model.latency_ms
    return latency.p50 if latency else None
