"""Turns a plain function into a cached Prefect task over artifact references.

Prefect's cache and the artifact store meet here alone. Both use the same fingerprint, so a result can't outlive or
misname what it refers to.
"""

import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any, Generic, TypeVar, get_type_hints

from prefect import Task, task
from prefect.cache_policies import CachePolicy
from prefect.task_engine import TaskRunTimeoutError

from stillhouse.artifacts.fingerprint import fingerprint
from stillhouse.artifacts.handle import ArtifactRef, Built, S_co
from stillhouse.artifacts.store import Store, open_store
from stillhouse.artifacts.workspace import Workspace
from stillhouse.config import identity as identity_of
from stillhouse.errors import UserError, WorkerError, can_pass
from stillhouse.runtime.locks import host_lock
from stillhouse.runtime.settings import Settings
from stillhouse.runtime.unexpected import one_line_errors
from tasks.orchestration.params import P
from tasks.orchestration.results import PLAIN_JSON, results_block
from tasks.orchestration.second_tries import try_again

log = logging.getLogger("stillhouse")
T = TypeVar("T")


# mean seconds before the second and the third try
_RETRY_DELAYS_S = [5.0, 20.0]
_LIBRARIES = ("prefect", "polars", "pyarrow", "scikit-learn")


@dataclass
class StageKey(CachePolicy):
    """The fingerprint of a stage call, as Prefect's cache key."""

    stage: str = ""
    version: int = 1

    def compute_key(self, task_ctx: Any, inputs: dict[str, Any], flow_parameters: dict[str, Any], **kwargs: Any) -> str:
        """Return `<stage>-<fingerprint>`; depends on identity and inputs, never on settings or code."""
        key = fingerprint(self.stage, self.version, identity_of(inputs["params"]), _refs(inputs["inputs"]))
        return f"{self.stage}-{key}"


@dataclass(frozen=True)
class StageCall(Generic[P]):
    """What a stage's body works with."""

    work: Workspace
    fingerprint: str
    inputs: Mapping[str, ArtifactRef]
    params: P
    settings: Settings
    store: Store
    label: str  # what the call is named in the run
    is_refreshed: bool = False  # built though it may be there: nothing of it is to be found

    @property
    def folders(self) -> dict[str, Path]:
        """The local, verified folders of all input artifacts by name."""
        return {name: self.folder(name) for name in self.inputs}

    def folder(self, name: str) -> Path:
        """Return the local, verified folder of the input artifact `name`."""
        return self.store.fetch(self.inputs[name])


@dataclass(frozen=True)
class Stage(Generic[P, S_co]):
    """A stage: its name, its version, and the Prefect task that runs it."""

    name: str
    version: int
    summary_type: type[S_co]
    task: Task[..., Any]
    on_device: bool = False

    def fingerprint_of(self, inputs: Mapping[str, ArtifactRef], params: P) -> str:
        """Return the fingerprint of the artifact that these inputs and parameters make.

        Raises:
            TypeError: an identity field has no stable serialisation.
        """
        return fingerprint(self.name, self.version, identity_of(params), inputs)

    def run(
        self,
        inputs: Mapping[str, ArtifactRef],
        params: P,
        settings: Settings,
        *,
        label: str = "",
        refresh: bool = False,
    ) -> Built[S_co]:
        """Return the stage's artifact: from the cache if it is intact there, else built now.

        Raises:
            UserError: of the stage's body, beginning with the call's label.
        """
        label = label or self.name
        # once here: Prefect swallows the errors of a key and would run the stage uncached without a word
        key = self.fingerprint_of(inputs, params)
        store = open_store(settings.store)
        is_intact = self._trying(store.find, self.name, key) is not None
        started = time.monotonic()
        prefect_task = self.task.with_options(**self._options(label, settings, refresh=refresh or not is_intact))
        state = prefect_task(
            inputs={name: ref.model_dump() for name, ref in inputs.items()},
            params=params,
            settings=settings,
            label=label,
            refresh=refresh,
            return_state=True,
        )
        _raise_failure(state, label, settings)
        # by our own key, not by what a stored result says: whoever may write there could have forged it
        ref = ArtifactRef(stage=self.name, fingerprint=key)
        record = self._trying(store.record, ref)
        is_cached = is_intact and not refresh
        seconds = float(record.provenance.get("seconds", 0.0)) if is_cached else time.monotonic() - started
        log.info("%-22s %-7s %7.1f s  %s", label, "cached" if is_cached else "built", seconds, key[:12])
        return Built(label, ref, self.summary_type.model_validate(record.summary), seconds, is_cached)

    def _trying(self, call: Callable[..., T], *arguments: Any) -> T:
        """Return what a call outside of the task returns, tried again as often as the task is."""
        delays = self.task.retry_delay_seconds
        return try_again(call, *arguments, delays_s=delays if isinstance(delays, list) else ())

    def _options(self, label: str, settings: Settings, *, refresh: bool) -> dict[str, Any]:
        return {
            "task_run_name": label,
            "result_storage": results_block(settings.store),
            # Prefect's result may outlive the artifact it names
            "refresh_cache": refresh,
            # a worker's supervisor counts its time itself, from when it has the device
            "timeout_seconds": None if self.on_device else settings.stage_timeout_s,
        }


# writes the artifact's files into the call's work folder and returns the summary for its record
Body = Callable[[StageCall[P]], S_co]


def stage(name: str, version: int, *, on_device: bool = False) -> Callable[[Body[P, S_co]], Stage[P, S_co]]:
    """Return a decorator that makes a body the stage `name`; bump `version` in the change that alters its output.

    `on_device` says that the body waits for the device and runs a worker on it. The body's annotated return type is
    the type of the stage's summary.
    """

    def wrap(body: Body[P, S_co]) -> Stage[P, S_co]:
        def run(inputs: dict[str, Any], params: P, settings: Settings, label: str, refresh: bool) -> dict[str, str]:
            refs = _refs(inputs)
            key = fingerprint(name, version, identity_of(params), refs)
            store = open_store(settings.store)
            waited = threading.Event()
            with one_line_errors(label), host_lock(settings.building_lock(key), waited.set):
                # found though Prefect had no result of it: built meanwhile by another run, or its result was lost
                is_wanted = refresh and not waited.is_set()
                if is_wanted or store.find(name, key) is None:
                    started = time.monotonic()
                    with store.workspace(name, version, key, identity_of(params), refs) as work:
                        summary = body(StageCall(work, key, refs, params, settings, store, label, is_wanted))
                        work.commit(summary.to_record(), _provenance(time.monotonic() - started))
            return ArtifactRef(stage=name, fingerprint=key).model_dump()

        # not functools.wraps: Prefect would then read the body's signature
        run.__name__, run.__doc__, run.__module__ = body.__name__, body.__doc__, body.__module__
        prefect_task = task(
            name=name,
            cache_policy=StageKey(stage=name, version=version),
            persist_result=True,
            result_serializer=PLAIN_JSON,
            log_prints=False,
            # only errors that can pass; a user's mistake is the same the second time
            retries=len(_RETRY_DELAYS_S),
            retry_delay_seconds=_RETRY_DELAYS_S,
            # runs that failed together must not come back together
            retry_jitter_factor=0.5,
            retry_condition_fn=is_transient,
        )(run)
        return Stage(name, version, get_type_hints(body)["return"], prefect_task, on_device)

    return wrap


def is_transient(task_: Any, task_run: Any, state: Any) -> bool:
    """Return whether a failure may pass, as Prefect's retry condition."""
    error = state.result(raise_on_failure=False)
    return can_pass(error) and not isinstance(error, TaskRunTimeoutError)


def _raise_failure(state: Any, label: str, settings: Settings) -> None:
    """Raise what a finished task failed with; its message then names the stage in the run's one line in Prefect."""
    try:
        state.result()
    except TaskRunTimeoutError as error:
        raise WorkerError(
            f"{label}: not done after {settings.stage_timeout_s:g} s and was ended. If it needs longer, raise "
            "STILLHOUSE_STAGE_TIMEOUT."
        ) from error
    except UserError as error:
        raise type(error)(f"{label}: {error}") from error


def _refs(inputs: Mapping[str, Any]) -> dict[str, ArtifactRef]:
    return {name: ArtifactRef.model_validate(ref) for name, ref in inputs.items()}


def _provenance(seconds: float) -> dict[str, Any]:
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "host_cpus": os.cpu_count(),
        "platform": platform.platform(),
        "versions": {name: package_version(name) for name in _LIBRARIES},
    }
