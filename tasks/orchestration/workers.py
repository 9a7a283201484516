"""Runs a worker for a stage, with its progress and log in the Prefect run."""

import logging
import sys
import threading
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, TypeVar

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import TaskRunContext
from prefect.exceptions import PrefectException
from pydantic import BaseModel
from tqdm import tqdm

from stillhouse.artifacts.handle import StageSummary
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.inference.vllm.engine import environment_for
from stillhouse.runtime.events import Event, Log, Metric, Progress
from stillhouse.runtime.locks import device_lock
from stillhouse.runtime.process import Limits, run_worker
from stillhouse.runtime.settings import Settings
from stillhouse.teachers.spec import AskSpec

S = TypeVar("S", bound=StageSummary)

log = logging.getLogger("stillhouse.worker")
# what the worker's libraries print: of use in the run's log, noise on a terminal
output = logging.getLogger("stillhouse.worker.output")


class Worker(StrEnum):
    """The modules that run as processes of their own, started as `python -m <module> spec.json`."""

    CHECK_ENGINES = "stillhouse.inference.vllm.check_worker"
    CONVERT = "stillhouse.students.convert"
    INITIALISE = "stillhouse.students.initialise"
    CUT = "stillhouse.students.cutting.worker"
    TRAIN = "stillhouse.students.worker"
    TRAIN_ENCODER = "stillhouse.students.encoder.worker"
    GENERATE = "stillhouse.teachers.engine_worker"
    GENERATE_API = "stillhouse.teachers.api_worker"
    GENERATE_SHARD = "stillhouse.teachers.replica_worker"
    PROBE = "stillhouse.teachers.probe_worker"
    PROBE_API = "stillhouse.teachers.api_probe_worker"
    DRAW = "stillhouse.teachers.draw_worker"
    EVALUATE = "stillhouse.evaluation.worker"
    EVALUATE_ENCODER = "stillhouse.evaluation.encoder_worker"
    EXPORT = "stillhouse.exports.convert_worker"
    EVALUATE_EXPORT = "stillhouse.exports.evaluate_worker"
    EVALUATE_API = "stillhouse.evaluation.api_worker"


class Call(Protocol):
    """What a worker is run for: a stage, or a replica's share of one."""

    @property
    def settings(self) -> Settings:
        """The settings of this machine."""

    @property
    def label(self) -> str:
        """What the call is named in the run."""


def run_engine_worker(
    call: Call,
    worker: Worker,
    spec: BaseModel,
    summary: type[S],
    environment: dict[str, str] | None = None,
    *,
    gpus: Sequence[str] = (),
    stop: threading.Event | None = None,
) -> S:
    """Return what the worker's `done` event says, as a `summary`; waits first for the device, or for `gpus` of it.

    Raises:
        UserError: as the worker reported it.
        WorkerError: `stop` was set.
    """
    settings = call.settings

    def on_wait() -> None:
        log.info("waiting: another job holds the device")

    with (
        device_lock(settings.device_lock, on_wait, gpus=gpus, stop=stop),
        _Watcher(call.label) as watcher,
    ):
        done = run_worker(
            worker,
            spec,
            python=settings.engine_python,
            on_event=watcher.show,
            environment=environment,
            limits=Limits(silent=settings.stall_timeout_s, total=settings.stage_timeout_s),
            stop=stop,
        )
    return summary.model_validate(done)


def run_control_worker(call: Call, worker: Worker, spec: BaseModel, summary: type[S], *, at_least_s: float = 0.0) -> S:
    """Return what a worker that runs in this process's own Python and needs no device says when it is done.

    It has `at_least_s` to be done, whatever the stage's limit: what it waits for may have a deadline of its own.

    Raises:
        UserError: as the worker reported it.
    """
    settings = call.settings
    with _Watcher(call.label) as watcher:
        done = run_worker(
            worker,
            spec,
            python=Path(sys.executable),
            on_event=watcher.show,
            limits=Limits(silent=settings.stall_timeout_s, total=max(settings.stage_timeout_s, at_least_s)),
        )
    return summary.model_validate(done)


class _Watcher:
    """Shows a worker's events: a bar on a terminal, a progress artifact and log lines in Prefect."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._artifact: Any = None
        self._percent = -1
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> "_Watcher":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, event: Event) -> None:
        """Show one event."""
        if isinstance(event, Progress):
            self._progress(event)
        elif isinstance(event, Metric):
            log.debug("%s: %s = %.5g at step %d", self._label, event.name, event.value, event.step)
        elif isinstance(event, Log):
            tell = log.warning if event.is_warning else output.info
            tell("%s: %s", self._label, event.text)

    def _progress(self, event: Progress) -> None:
        if sys.stderr.isatty():
            if self._bar is None:
                self._bar = tqdm(total=event.total, unit=f" {event.unit}", desc=f"  {self._label}", leave=False)
            self._bar.update(event.done - self._bar.n)
        percent = 100 * event.done // max(event.total, 1)
        # an artifact of every percent would be a request each; the page shows no finer anyway
        if percent < 100 and percent < self._percent + 10:
            return
        self._percent = percent
        text = f"{event.done} of {event.total} {event.unit}"
        if self._bar is None:
            log.info("  %s: %s", self._label, text)
        if TaskRunContext.get() is None:
            return
        try:
            self._show_artifact(float(percent), f"{self._label}: {text}")
        except (httpx.HTTPError, PrefectException, OSError) as error:
            # the work is worth more than its bar: the next percent is tried again
            log.warning(
                "%s: Prefect's page does not show the progress: %s: %s", self._label, type(error).__name__, error
            )

    def _show_artifact(self, percent: float, text: str) -> None:
        if self._artifact is None:
            self._artifact = create_progress_artifact(progress=percent, description=text)
        else:
            update_progress_artifact(self._artifact, progress=percent, description=text)


def run_completion_worker(call: Call, work: Literal["generate", "probe"], spec: AskSpec) -> GenerationSummary:
    """Return what requesting completions took; a worker that waits for batches has the time they may take.

    Raises:
        UserError: as the worker reported it.
    """
    model = spec.teacher
    if model.endpoint:
        over_api = Worker.GENERATE_API if work == "generate" else Worker.PROBE_API
        return run_control_worker(call, over_api, spec, GenerationSummary, at_least_s=model.endpoint.batch_timeout_s)
    local = Worker.GENERATE if work == "generate" else Worker.PROBE
    return run_engine_worker(call, local, spec, GenerationSummary, environment_for(model.engine))
