"""Builds a report from its blocks; ratios are derived from the models, so that they agree with the numbers shown."""

from collections.abc import Callable
from typing import Any

from stillhouse.reports.schema.models import Model, Models
from stillhouse.reports.schema.report import Gate, Report

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
    comparison |= _ratios(models, comparison["primary_metric"])
    return Report.model_validate({**nullable, **blocks, "models": models, "comparison": comparison})


def with_gate(report: Report, gate: dict[str, Any]) -> Report:
    """Return `report` with its gate block, which is made from the report without one."""
    return report.model_copy(update={"gate": Gate.model_validate(gate)})


def report_json(report: Report) -> str:
    """Return report.json: two-space indent, fields in the order of the schema, equal reports give equal bytes."""
    return report.model_dump_json(indent=2) + "\n"


def quality_value(model: Model | None, metric: str) -> float | None:
    """Return the model's value of `metric`, or None if it was not measured."""
    estimate = model.quality.get(metric) if model else None
    return estimate.value if estimate else None


def _ratios(models: Models, metric: str) -> dict[str, float | None]:
    """Return quality kept, reductions (fractions) and throughput ratio of the student against the teacher."""
    return {
        "quality_retained": _ratio(models, lambda model: quality_value(model, metric)),
        "latency_reduction": _reduction(models, lambda model: model.latency_ms.p50 if model.latency_ms else None),
        "latency_reduction_uncached": _reduction(models, _p50_uncached) if _is_cached(models) else None,
        "memory_reduction": _reduction(models, lambda model: model.peak_memory_bytes),
        "weight_reduction": _reduction(models, lambda model: model.weight_bytes),
        "throughput_ratio": _ratio(models, lambda model: model.requests_per_second),
        "cost_reduction": _reduction(models, lambda model: model.cost_usd_per_1k_requests),
    }


def _is_cached(models: Models) -> bool:
    return any(model and model.latency_uncached_ms for model in (models.student, models.teacher))


def _p50_uncached(model: Model) -> float | None:
    # of prompts that share nothing, nothing is cached
    latency = model.latency_uncached_ms or model.latency_ms
    return latency.p50 if latency else None


def _ratio(models: Models, measure: Measure) -> float | None:
    if models.student is None or models.teacher is None:
        return None
    mine, theirs = measure(models.student), measure(models.teacher)
    return mine / theirs if mine is not None and theirs else None


def _reduction(models: Models, measure: Measure) -> float | None:
    ratio = _ratio(models, measure)
    return None if ratio is None else 1.0 - ratio
