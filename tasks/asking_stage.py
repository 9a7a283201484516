"""Runs the worker that asks a model for a stage: over its API, or on the device with an engine.

Separate because teachers and judges are asked alike, for lessons, verdicts and probes.
"""

from typing import Any, Literal

from tasks.engine_stage import run_control_worker, run_engine_worker
from tasks.engines.start import environment_for
from tasks.recipe.judge import Judge
from tasks.recipe.teacher import Teacher
from tasks.stage import StageCall
from tasks.teachers.spec import AskSpec


def run_asking_worker(
    call: StageCall, asked: Teacher | Judge, work: Literal["worker", "probing"], spec: AskSpec
) -> dict[str, Any]:
    """Return the summary of the worker's `done` event; one that waits for batches has the time they may take.

    Raises:
        UserError: as the worker reported it.
    """
    if asked.endpoint:
        return run_control_worker(call, f"tasks.teachers.api.{work}", spec, at_least_s=asked.endpoint.waits_s)
    return run_engine_worker(call, f"tasks.teachers.{work}", spec, environment_for(asked.engine))
