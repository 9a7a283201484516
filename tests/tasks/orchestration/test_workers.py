"""Which worker asks a model for a stage, and how long it may take."""

import logging
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from stillhouse.artifacts.store import StoreConfig
from stillhouse.recipe.teacher import Teacher
from stillhouse.runtime.events import Log, Progress
from stillhouse.skills.conversation import Conversation
from stillhouse.teachers.spec import AskSpec
from tasks.orchestration import workers
from tasks.orchestration.workers import Worker, run_completion_worker

OPENAI = {"provider": "openai"}
BATCHES = {**OPENAI, "execution": "batch", "batch": {"deadline_h": 30}}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was started: the module, and the seconds it has or its environment."""
    found: list[tuple[Any, ...]] = []

    def control(call: Any, module: str, spec: Any, summary: Any, *, at_least_s: float) -> None:
        found.append((module, at_least_s))

    def engine(call: Any, module: str, spec: Any, summary: Any, environment: dict[str, str]) -> None:
        found.append((module, environment["OMP_NUM_THREADS"]))

    monkeypatch.setattr(workers, "run_control_worker", control)
    monkeypatch.setattr(workers, "run_engine_worker", engine)
    return found


def ask(work: Any, **model: Any) -> None:
    spec = AskSpec(
        model_path="model",
        teacher=Teacher(**({"model": "gpt-4o", "accept_terms": "openai"} | model)),
        teacher_fingerprint="f" * 64,
        skill=Conversation(kind="conversation"),
        labels=(),
        rows=(),
        skip_labelled=False,
        examples=None,
        store=StoreConfig(url="store"),
    )
    run_completion_worker(None, work, spec)


def test_completion_worker_of_batches_has_their_deadline_and_an_hour(started: list[tuple[Any, ...]]):
    ask("generate", endpoint=BATCHES)
    assert started == [(Worker.GENERATE_API, 31 * 3600.0)]


def test_completion_worker_of_single_requests_has_the_stages_time(started: list[tuple[Any, ...]]):
    ask("probe", endpoint=OPENAI)
    assert started == [(Worker.PROBE_API, 0.0)]


def test_completion_worker_of_a_local_model_runs_on_the_device_with_its_threads(started: list[tuple[Any, ...]]):
    ask("probe", model="./model", engine={"threads": 3})
    assert started == [(Worker.PROBE, "3")]


def test_progress_that_prefect_does_not_take_is_a_log_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def away(**_: Any) -> None:
        raise httpx.ConnectError("no server")

    monkeypatch.setattr(workers, "create_progress_artifact", away)
    monkeypatch.setattr(workers, "TaskRunContext", SimpleNamespace(get=lambda: object()))
    with workers._Watcher("generate") as watcher:
        watcher.show(Progress(done=1, total=2, unit="rows"))
        watcher.show(Progress(done=2, total=2, unit="rows"))
    assert caplog.text.count("does not show the progress: ConnectError: no server") == 2


def test_warning_of_a_worker_reaches_the_terminal_and_what_its_libraries_print_does_not(
    caplog: pytest.LogCaptureFixture,
):
    with workers._Watcher("generate") as watcher, caplog.at_level(logging.INFO):
        watcher.show(Log(text="segment a.parquet is damaged", is_warning=True))
        watcher.show(Log(text="a library says hello"))
    # the terminal leaves out what the second logger tells
    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("stillhouse.worker", "WARNING"),
        ("stillhouse.worker.output", "INFO"),
    ]
