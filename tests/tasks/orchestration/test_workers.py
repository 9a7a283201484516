"""Which worker asks a model for a stage, and how long it may take."""

from typing import Any

import pytest

from stillhouse.recipe.judge import Judge
from stillhouse.recipe.teacher import Teacher
from tasks.orchestration import workers
from tasks.orchestration.workers import Worker, run_asking_worker

BATCHES = {"provider": "openai", "execution": "batch", "batch": {"deadline_h": 30}}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was started: the module, and the seconds it has or its environment."""
    found: list[tuple[Any, ...]] = []

    def control(_: Any, module: str, spec: Any, *, at_least_s: float) -> dict[str, Any]:
        found.append((module, at_least_s))
        return {}

    def engine(_: Any, module: str, spec: Any, environment: dict[str, str]) -> dict[str, Any]:
        found.append((module, environment["OMP_NUM_THREADS"]))
        return {}

    monkeypatch.setattr(workers, "run_control_worker", control)
    monkeypatch.setattr(workers, "run_engine_worker", engine)
    return found


@pytest.mark.parametrize("kind", [Teacher, Judge])
def test_model_asked_through_batches_has_their_deadline_and_an_hour(kind: Any, started: list[tuple[Any, ...]]):
    run_asking_worker(None, kind(model="gpt-4o", accept_terms="openai", endpoint=BATCHES), "generate", None)
    assert started == [(Worker.GENERATE_API, 31 * 3600.0)]


@pytest.mark.parametrize("kind", [Teacher, Judge])
def test_model_asked_request_by_request_has_the_stages_time(kind: Any, started: list[tuple[Any, ...]]):
    endpoint = {"provider": "openai"}
    run_asking_worker(None, kind(model="gpt-4o", accept_terms="openai", endpoint=endpoint), "probe", None)
    assert started == [(Worker.PROBE_API, 0.0)]


@pytest.mark.parametrize("kind", [Teacher, Judge])
def test_model_served_here_is_asked_on_the_device_with_its_engines_threads(kind: Any, started: list[tuple[Any, ...]]):
    run_asking_worker(None, kind(model="./model", engine={"threads": 3}), "probe", None)
    assert started == [(Worker.PROBE, "3")]
