"""Several replicas on this machine: what is asked, what is kept, and what the artifact is."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.support.generation.engine_python import EnginePython
from tests.support.generation.generation_pipeline import GenerationPipeline, SingleEngineRun
from tests.support.pipeline import left_alive
from tests.support.processes import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture
def engine(tmp_path: Path) -> EnginePython:
    return EnginePython(tmp_path / "engine", "here")


def test_replicas_make_one_engines_artifact_and_request_no_key_twice(
    tmp_path: Path, engine: EnginePython, single: SingleEngineRun
):
    three = GenerationPipeline(tmp_path / "three").prepare(replicas=3)

    shared = three.generate(engine.path)

    assert three.artifact_files() == single.artifact_files
    assert shared["fingerprint"] == single.summary["fingerprint"]
    assert sorted(engine.prompts) == sorted(single.prompts)
    assert len(set(three.stored_keys())) == len(three.stored_keys()) == single.requests
    counted = ("requests", "from_store", "generated", "prompt_tokens", "completion_tokens")
    assert {name: shared[name] for name in counted} == {name: single.summary[name] for name in counted}
    assert [replica["shard"] for replica in shared["replicas"]] == [0, 1, 2]
    assert all(replica["generated"] > 10 for replica in shared["replicas"])


def test_replicas_on_several_gpus_work_at_once_each_on_its_own(tmp_path: Path, engine: EnginePython):
    driver = tmp_path / "bin" / "nvidia-smi"
    driver.parent.mkdir()
    driver.write_text("#!/bin/sh\necho '0, GPU-a, 80000, one'\necho '1, GPU-b, 80000, another'\n")
    driver.chmod(0o755)
    worked = tmp_path / "worked"
    # long enough that one would be done before the other begins, if they waited for each other
    engine.set_behaviour(SECONDS=0.2, WORKED=worked)
    pipeline = GenerationPipeline(tmp_path / "run").prepare(replicas=2)
    pipeline.generate(engine.path, PATH=f"{driver.parent}:{os.environ['PATH']}")
    spans: dict[str, list[float]] = {}
    for line in worked.read_text().splitlines():
        gpu, *times = line.split()
        spans.setdefault(gpu, []).extend(map(float, times))
    assert set(spans) == {"GPU-a", "GPU-b"}
    assert max(min(times) for times in spans.values()) < min(max(times) for times in spans.values())


def test_teacher_that_does_not_fit_is_not_started_but_its_stored_answers_are_used(tmp_path: Path, engine: EnginePython):
    driver = tmp_path / "bin" / "nvidia-smi"
    driver.parent.mkdir()
    driver.write_text("#!/bin/sh\necho '0, GPU-a, 0, none to speak of'\n")
    driver.chmod(0o755)
    tiny = {"PATH": f"{driver.parent}:{os.environ['PATH']}"}
    pipeline = GenerationPipeline(tmp_path / "run").prepare(replicas=1)
    assert "does not fit. It needs one GPU" in pipeline.error(engine.path, **tiny)
    assert engine.prompts == []
    first = pipeline.generate(engine.path)
    again = pipeline.generate(engine.path, "generate", **tiny)
    assert (again["generated"], again["from_store"]) == (0, first["requests"])


def test_replicas_everything_stored_request_nothing(tmp_path: Path, engine: EnginePython):
    pipeline = GenerationPipeline(tmp_path / "run").prepare(replicas=2)
    first = pipeline.generate(engine.path)
    engine.set_behaviour()

    cached, refreshed = pipeline.generate(engine.path), pipeline.generate(engine.path, "generate")

    assert engine.prompts == []
    assert cached["replicas"] == first["replicas"], "a cached stage sends no replicas out"
    assert (refreshed["generated"], refreshed["from_store"]) == (0, first["requests"])
    assert [replica["generated"] for replica in refreshed["replicas"]] == [0, 0]


def test_replica_killed_is_named_and_second_run_requests_only_the_rest(
    tmp_path: Path, engine: EnginePython, single: SingleEngineRun
):
    pipeline = GenerationPipeline(tmp_path / "run").prepare(replicas=3, segment_seconds=0.01)
    engine.set_behaviour(DIES_ONCE=tmp_path / "died", SECONDS=0.02)

    error = pipeline.error(engine.path)

    assert "generate: 1 of 3 replicas failed" in error
    assert "replica 1 of 3 on" in error
    assert "exit code -9" in error
    stored = set(pipeline.stored_keys())
    assert 0 < len(stored) < single.requests
    engine.set_behaviour()

    finished = pipeline.generate(engine.path)

    assert len(engine.prompts) == single.requests - len(stored) == finished["generated"]
    assert len(set(pipeline.stored_keys())) == len(pipeline.stored_keys()) == single.requests
    assert pipeline.artifact_files() == single.artifact_files


def test_replicas_cancelled_run_ends_its_engine_and_begins_no_other(tmp_path: Path, engine: EnginePython):
    pipeline = GenerationPipeline(tmp_path / "run").prepare(replicas=2)
    engine.set_behaviour(SECONDS=0.5)
    process = pipeline.start_generation(engine.path)
    wait_until(lambda: bool(engine.prompts), 60, "prompts")
    family = psutil.Process(process.pid).children(recursive=True)
    asked = engine.prompts

    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=30) != 0
    assert left_alive(family) == []
    assert engine.prompts == asked
