"""Runs the steps of a check one after the other: one that fails does not hide the others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from infra.gpu_check.memory_watch import MemoryWatch
from infra.gpu_check.results import StepResult
from stillhouse.errors import UserError
from stillhouse.runtime.unexpected import one_line_errors

Figures = Mapping[str, float | str]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step."""

    name: str
    run: Callable[[], Figures]  # raises a UserError if what it tries does not work
    forecast_bytes: Callable[[], int | None] = lambda: None  # of device memory; asked once the step has run
    needs: Sequence[str] = ()  # names of steps that must have passed


def run_steps(
    steps: Sequence[Step],
    say: Callable[[str], None],
    watch: Callable[[], MemoryWatch] = MemoryWatch,
    clock: Callable[[], float] = monotonic,
) -> Iterator[StepResult]:
    """Yield the result of each step, in their order."""
    passed: set[str] = set()
    for step in steps:
        if missing := [name for name in step.needs if name not in passed]:
            result = StepResult(name=step.name, verdict="not run", error=f"{', '.join(missing)} did not pass")
        else:
            say(f"{step.name} …")
            result = _run(step, watch, clock)
        if result.verdict == "passed":
            passed.add(step.name)
        say(f"{step.name}: {result.verdict}" + (f": {result.error}" if result.error else ""))
        yield result


def _run(step: Step, watch: Callable[[], MemoryWatch], clock: Callable[[], float]) -> StepResult:
    started, error = clock(), ""
    figures: Figures = {}
    forecast: int | None = None
    with watch() as memory:
        try:
            # what nobody foresaw is an error of this step alone too
            with one_line_errors(f"gpu-check {step.name}"):
                figures = step.run()
                forecast = step.forecast_bytes()
        except UserError as raised:
            error = str(raised)
    return StepResult(
        name=step.name,
        verdict="failed" if error else "passed",
        seconds=clock() - started,
        error=error,
        figures=figures,
        forecast_bytes=forecast,
        measured_bytes=memory.peak_bytes,
    )
