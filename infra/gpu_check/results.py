"""What a check of a GPU machine found: one result a step, and the report of all."""

import json
from collections.abc import Mapping, Sequence
from typing import Literal

from stillhouse.config import StrictModel
from stillhouse.reports.markdown import cell, table
from stillhouse.reports.numbers import seconds, size

_HEADER = ("step", "verdict", "time", "memory forecast", "memory measured", "off by", "figures")
# a forecast further off than this is worth a look
MOST_OFF = 0.15


class StepResult(StrictModel):
    """What one step came to."""

    name: str
    verdict: Literal["passed", "failed", "not run"]
    seconds: float = 0.0
    error: str = ""  # of a failed step, or why it was not run
    figures: Mapping[str, float | str] = {}
    forecast_bytes: int | None = None  # of device memory; None: nothing is forecast
    measured_bytes: int | None = None  # the peak during the step, above what was in use before

    @property
    def off_by(self) -> float | None:
        """How far the measured memory is from the forecast, as a share of the measured; None without both."""
        if not self.forecast_bytes or not self.measured_bytes:
            return None
        return self.forecast_bytes / self.measured_bytes - 1.0


class CheckReport(StrictModel):
    """The whole check."""

    schema_version: Literal[1] = 1
    code: str  # Stillhouse's version and commit
    started: str
    gpus: tuple[str, ...]
    libraries: Mapping[str, str]  # of the engine's environment
    steps: tuple[StepResult, ...]

    @property
    def num_failed(self) -> int:
        """Steps that did not pass."""
        return sum(step.verdict != "passed" for step in self.steps)


def as_json(report: CheckReport) -> str:
    """Return the report as JSON, with how far each forecast was off."""
    fields = report.model_dump(mode="json")
    for step, written in zip(report.steps, fields["steps"], strict=True):
        written["off_by"] = step.off_by
    return json.dumps(fields, indent=2) + "\n"


def as_markdown(report: CheckReport) -> str:
    """Return the report as a page."""
    passed = len(report.steps) - report.num_failed
    libraries = ", ".join(f"{name} {version}" for name, version in report.libraries.items()) or "not known"
    wide = [step.name for step in report.steps if step.off_by is not None and abs(step.off_by) > MOST_OFF]
    errors = [f"- **{step.name}**: {cell(step.error)}" for step in report.steps if step.error]
    parts = [
        "# Check of a GPU machine",
        f"{report.code}, started {report.started}. {passed} of {len(report.steps)} steps passed.",
        f"GPUs: {', '.join(report.gpus)}. Libraries: {libraries}.",
        table(_HEADER, [_row(step) for step in report.steps]),
        *([f"Forecast more than {MOST_OFF:.0%} off: {', '.join(wide)}."] if wide else []),
        *(["\n".join(errors)] if errors else []),
    ]
    return "\n\n".join(parts) + "\n"


def _row(step: StepResult) -> Sequence[str]:
    figures = ", ".join(f"{name} {_shown(value)}" for name, value in step.figures.items())
    off = "" if step.off_by is None else f"{step.off_by:+.0%}"
    memory = ["" if amount is None else size(amount) for amount in (step.forecast_bytes, step.measured_bytes)]
    return [step.name, step.verdict, seconds(step.seconds), *memory, off, figures]


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
