"""Turns a plain function into a cached Prefect task over artifact references.

Separate because it is the one place where Prefect's caching meets the artifact store: both go by the same
fingerprint, so a result can't outlive or misname what it refers to.
"""

import logging
import os
import platform
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from typing import Any

from prefect import Task, task
from prefect.cache_policies import CachePolicy
from prefect.task_engine import TaskRunTimeoutError

from stillhouse.artifacts.fingerprint import fingerprint
from stillhouse.artifacts.ref import ArtifactRef
from stillhouse.artifacts.store import Store, open_store
from stillhouse.artifacts.workspace import Workspace
from stillhouse.errors import UserError, WorkerError, can_pass
from stillhouse.runtime.locks import host_lock
from stillhouse.runtime.settings import Settings
from tasks.orchestration.results import PLAIN_JSON, results_block

log = logging.getLogger("stillhouse")

# mean seconds before the second and the third try
_RETRY_DELAYS_S = (5.0, 20.0)
_LIBRARIES = ("prefect", "polars", "pyarrow", "scikit-learn")


@dataclass
class StageResult:
    """What a flow knows of a finished stage."""

    ref: ArtifactRef
    seconds: float
    cached: bool
    summary: dict[str, Any]


@dataclass
class StageKey(CachePolicy):
    """The fingerprint of a stage call, as Prefect's cache key."""

    stage: str = ""
    version: int = 1

    def compute_key(self, task_ctx: Any, inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any) -> str:
        """Return `<stage>-<fingerprint>`; depends on identity and inputs, never on settings or code."""
        return f"{self.stage}-{fingerprint(self.stage, self.version, inputs['identity'], _refs(inputs['inputs']))}"


# writes the artifact's files into the call's work folder and returns the summary its record carries
Body = Callable[["StageCall"], dict[str, Any]]


@dataclass
class StageCall:
    """What a stage's body works with."""

    work: Workspace
    fingerprint: str
    inputs: dict[str, Any]  # name -> ArtifactRef
    identity: dict[str, Any]
    settings: Settings
    store: Store
    execution: dict[str, Any]
    label: str = ""  # what this call is called in the run, where a stage is called several times

    def folder(self, name: str) -> Any:
        """Return the local, verified folder of the input artifact `name`."""
        return self.store.fetch(self.inputs[name])


@dataclass(frozen=True)
class Stage:
    """A stage: its name, its version, and the Prefect task that runs it."""

    name: str
    version: int
    task: Task[..., Any]
    on_device: bool = False
    retry_delays_s: tuple[float, ...] = _RETRY_DELAYS_S

    def run(
        self,
        inputs: Mapping[str, ArtifactRef],
        identity: Mapping[str, Any],
        settings: Settings,
        *,
        label: str = "",
        refresh: bool = False,
        **execution: Any,
    ) -> StageResult:
        """Return the stage's artifact: from the cache where it is intact, else built now.

        Raises:
            UserError: of the stage's body, beginning with the stage's name.
        """
        call = {
            "inputs": {name: ref.model_dump() for name, ref in inputs.items()},
            "identity": dict(identity),
        }
        # once here, since Prefect swallows errors of a key and would run the stage uncached without a word
        key = fingerprint(self.name, self.version, call["identity"], inputs)
        store = open_store(settings.store)
        intact = store.find(self.name, key) is not None
        options: dict[str, Any] = {
            "task_run_name": label or self.name,
            "result_storage": results_block(settings.store),
            # Prefect's result may outlive the artifact it names
            "refresh_cache": refresh or not intact,
            # a worker's supervisor counts its time itself, from when it has the device
            "timeout_seconds": None if self.on_device else settings.stage_timeout_s,
            # anew for each call: runs that failed together must not come back together
            "retry_delay_seconds": with_jitter(self.retry_delays_s),
        }
        started = time.monotonic()
        state = self.task.with_options(**options)(
            **call,
            settings=settings,
            execution={**execution, "refresh": refresh, "label": label or self.name},
            return_state=True,
        )
        try:
            state.result()
        except TaskRunTimeoutError as error:
            raise WorkerError(
                f"{label or self.name}: not done after {settings.stage_timeout_s:g} s and was ended. Where it needs "
                "longer, raise STILLHOUSE_STAGE_TIMEOUT."
            ) from error
        except UserError as error:
            # the run's one line in Prefect then says which stage it was
            raise type(error)(f"{label or self.name}: {error}") from error
        # by our own key, not by what a stored result says, which anyone who may write there could have forged
        ref = ArtifactRef(stage=self.name, fingerprint=key)
        record = store.record(ref)
        cached = intact and not refresh
        seconds = float(record.provenance.get("seconds", 0.0)) if cached else time.monotonic() - started
        log.info("%-22s %-7s %7.1f s  %s", label or self.name, "cached" if cached else "built", seconds, key[:12])
        return StageResult(ref=ref, seconds=seconds, cached=cached, summary=record.summary)


def stage(name: str, version: int, *, on_device: bool = False) -> Callable[[Body], Stage]:
    """Return a decorator that makes a body the stage `name`; bump `version` in the change that alters its output.

    `on_device` says that the body waits for the device and runs a worker on it.
    """

    def wrap(body: Body) -> Stage:
        def run(
            inputs: dict[str, Any], identity: dict[str, Any], settings: Settings, execution: dict[str, Any]
        ) -> dict[str, str]:
            refs = _refs(inputs)
            key = fingerprint(name, version, identity, refs)
            store = open_store(settings.store)
            waited = threading.Event()
            with host_lock(settings.building_lock(key), waited.set):
                # found though Prefect had no result of it: built meanwhile by another run, or its result was lost
                is_wanted = execution.get("refresh") and not waited.is_set()
                if is_wanted or store.find(name, key) is None:
                    _build(body, name, version, key, refs, identity, settings, store, execution)
            return ArtifactRef(stage=name, fingerprint=key).model_dump()

        # not functools.wraps: Prefect would then read the body's signature
        run.__name__, run.__doc__, run.__module__ = body.__name__, body.__doc__, body.__module__
        prefect_task = task(
            name=name,
            cache_policy=StageKey(stage=name, version=version),
            persist_result=True,
            result_serializer=PLAIN_JSON,
            log_prints=False,
            # only what can pass by itself; a user's mistake is the same the second time
            retries=len(_RETRY_DELAYS_S),
            retry_condition_fn=is_transient,
        )(run)
        return Stage(name=name, version=version, task=prefect_task, on_device=on_device)

    return wrap


def with_jitter(delays_s: tuple[float, ...]) -> list[float]:
    """Return each delay, half to one and a half times as long."""
    return [delay * random.uniform(0.5, 1.5) for delay in delays_s]


def _build(
    body: Body,
    name: str,
    version: int,
    key: str,
    refs: dict[str, ArtifactRef],
    identity: dict[str, Any],
    settings: Settings,
    store: Store,
    execution: dict[str, Any],
) -> None:
    started = time.monotonic()
    with store.workspace(name, version, key, identity, refs) as work:
        summary = body(StageCall(work, key, refs, identity, settings, store, execution, execution.get("label", name)))
        work.commit(summary, _provenance(time.monotonic() - started))


def _refs(inputs: Mapping[str, Any]) -> dict[str, ArtifactRef]:
    return {name: ArtifactRef.model_validate(ref) for name, ref in inputs.items()}


def is_transient(task_: Any, task_run: Any, state: Any) -> bool:
    """Return whether a failure may pass by itself, as Prefect's retry condition."""
    error = state.result(raise_on_failure=False)
    return can_pass(error) and not isinstance(error, TaskRunTimeoutError)


def _provenance(seconds: float) -> dict[str, Any]:
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "host_cpus": os.cpu_count(),
        "platform": platform.platform(),
        "versions": {name: package_version(name) for name in _LIBRARIES},
    }
