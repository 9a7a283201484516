"""Replicas on a Ray cluster of two nodes, each with an engine, a scratch folder and a device of its own."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from prefect.client.orchestration import get_client

from tests.support.generation.engine_python import EnginePython
from tests.support.generation.generation_pipeline import GenerationPipeline, SingleEngineRun
from tests.support.pipeline import left_alive
from tests.support.processes import wait_until
from tests.support.replicas.nodes import TwoNodes

pytest.importorskip("prefect_ray", reason="Ray is not installed; run `make ray`")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server")]


class Cluster(NamedTuple):
    nodes: TwoNodes
    first: EnginePython
    second: EnginePython
    here: EnginePython  # of the machine that the flow runs on

    def set_behaviour(self, **variables: object) -> None:
        self.here.set_behaviour()
        for engine in (self.first, self.second):
            engine.set_behaviour(**variables)

    def generate(self, pipeline: GenerationPipeline) -> dict[str, object]:
        # Ray joins a cluster once a process
        return pipeline.generate_in_process(self.here.path, **self.nodes.environment)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    first, second, here = (EnginePython(folder, name) for name in ("first", "second", "here"))
    settings = [
        {
            "STILLHOUSE_ENGINE_PYTHON": str(engine.path),
            "STILLHOUSE_WORK": str(folder / f"{engine.name}-work"),
            "PREFECT_HOME": str(folder / "prefect"),
        }
        for engine in (first, second)
    ]
    with TwoNodes(*settings) as nodes:
        yield Cluster(nodes, first, second, here)


def shards_running() -> list[str]:
    """The replicas' task runs that Prefect believes to run."""
    with get_client(sync_client=True) as client:
        runs = client.read_task_runs()
    return [run.name for run in runs if run.name.startswith("generate ") and run.state_name == "Running"]


@pytest.fixture
def cluster(started: Cluster) -> Cluster:
    started.set_behaviour()
    return started


def test_ray_replicas_on_two_nodes_give_the_artifact_of_a_single_engine(
    tmp_path: Path, cluster: Cluster, single: SingleEngineRun
):
    # long enough that no node answers all before the other has begun
    cluster.set_behaviour(SECONDS=0.03)
    three = GenerationPipeline(tmp_path / "three").prepare(replicas=3)

    shared = cluster.generate(three)

    assert three.artifact_files() == single.artifact_files
    assert shared["fingerprint"] == single.summary["fingerprint"]
    assert cluster.first.prompts
    assert cluster.second.prompts
    assert cluster.here.prompts == [], "the machine of the flow found every answer in the store"
    assert sorted(cluster.first.prompts + cluster.second.prompts) == sorted(single.prompts)
    assert shared["generated"] == shared["requests"] == single.requests


@pytest.mark.parametrize("victim", ["engine", "supervisor"])
def test_ray_replica_that_is_killed_is_finished_by_a_second_run(
    tmp_path: Path, cluster: Cluster, single: SingleEngineRun, victim: str
):
    cluster.set_behaviour(SECONDS=0.15)
    pipeline = GenerationPipeline(tmp_path / "run").prepare(replicas=2, segment_seconds=0.01)
    process = pipeline.start_generation(cluster.here.path, **cluster.nodes.environment)
    wait_until(lambda: len(cluster.nodes.engines()) == 2 and len(pipeline.stored_keys()) > 4, 90, "completions")
    engine = cluster.nodes.engines()[0]

    (engine if victim == "engine" else engine.parent()).kill()

    out, _ = process.communicate(timeout=120)
    assert "generate: 1 of 2 replicas failed" in out
    assert ("exit code -9" if victim == "engine" else "was lost: WorkerCrashedError") in out
    assert left_alive([engine]) == [], "an engine outlived the task that supervised it"
    wait_until(lambda: shards_running() == [], 15, "the end of all shards")
    stored = set(pipeline.stored_keys())
    assert single.requests // 3 < len(stored) < single.requests, "the other replica's answers are kept"
    cluster.set_behaviour()

    finished = cluster.generate(pipeline)

    assert len(cluster.first.prompts + cluster.second.prompts) == single.requests - len(stored) == finished["generated"]
    assert len(set(pipeline.stored_keys())) == len(pipeline.stored_keys()) == single.requests
    assert pipeline.artifact_files() == single.artifact_files


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ray_run_that_is_ended_ends_the_engines_on_all_nodes(tmp_path: Path, cluster: Cluster, number: int):
    cluster.set_behaviour(SECONDS=0.5)
    pipeline = GenerationPipeline(tmp_path / "run").prepare(replicas=2)
    process = pipeline.start_generation(cluster.here.path, **cluster.nodes.environment)
    wait_until(lambda: len(cluster.nodes.engines()) == 2 and bool(cluster.first.prompts), 90, "prompts")
    engines = cluster.nodes.engines()

    process.send_signal(number)

    assert process.wait(timeout=60) != 0
    assert left_alive(engines, within_s=30) == []


def test_ray_node_without_an_engine_is_named_with_its_setting(tmp_path: Path, cluster: Cluster):
    pipeline = GenerationPipeline(tmp_path / "run").prepare(replicas=2)
    cluster.second.path.rename(tmp_path / "away")
    try:
        error = pipeline.error_in_process(cluster.here.path, **cluster.nodes.environment)
    finally:
        (tmp_path / "away").rename(cluster.second.path)

    assert "generate: 1 of 2 replicas failed" in error
    assert f"The engine's Python is not at {cluster.second.path}" in error
    assert cluster.first.prompts
    assert pipeline.stored_keys()


def test_ray_cluster_that_is_not_there_is_named_with_its_setting(tmp_path: Path, cluster: Cluster):
    pipeline = GenerationPipeline(tmp_path / "run").prepare(replicas=2)

    error = pipeline.error_in_process(cluster.here.path, STILLHOUSE_RAY_ADDRESS="127.0.0.2:9")

    assert "The Ray cluster at 127.0.0.2:9 (STILLHOUSE_RAY_ADDRESS) can't be joined" in error
    assert "ray start --address=127.0.0.2:9" in error
