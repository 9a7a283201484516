"""One run in a line, out of its report.json of whatever version."""

from collections.abc import Mapping
from typing import Any

from stillhouse.evaluation.roles import ModelRole
from stillhouse.reports.numbers import NOT_MEASURED, decimal, interval, metric_name, percent

HEADER = ("run", "started", "metric", "student", "teacher", "of the teacher's", "gate")


def run_line(report: Mapping[str, Any]) -> list[str]:
    """Return a run as text, under HEADER."""
    comparison = report["comparison"]
    metric, role = comparison["primary_metric"], comparison.get("student", ModelRole.STUDENT)
    return [
        report["run_id"],
        (report.get("provenance", {}).get("created_at") or "")[:16].replace("T", " "),
        metric_name(metric),
        estimate_text(report, role, metric),
        estimate_text(report, ModelRole.TEACHER, metric),
        percent(comparison.get("quality_retained")),
        _gate(report.get("gate")),
    ]


def _gate(gate: Mapping[str, Any] | None) -> str:
    """Return the verdict, in capitals if it is not `passed`; an earlier version knew two."""
    if not gate or not gate["rules"]:
        return "no gate"
    return "passed" if gate["passed"] else gate.get("verdict", "failed").upper()


def estimate_text(report: Mapping[str, Any], role: str, metric: str) -> str:
    """Return a model's value of `metric` with its interval, or that it was not measured."""
    found = ((report["models"].get(role) or {}).get("quality") or {}).get(metric)
    return f"{decimal(found['value'])} {interval(found['low'], found['high'])}".strip() if found else NOT_MEASURED
