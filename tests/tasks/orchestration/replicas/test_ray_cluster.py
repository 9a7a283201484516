"""What a cluster must offer before replicas are sent to it; no Ray runs here."""

import sys
from typing import Any

import pytest

from stillhouse.errors import RecipeError, WorkerError
from stillhouse.recipe.engine import Engine
from tasks.orchestration.replicas.ray_cluster import check_prefect_server, placement, ray_cluster


@pytest.mark.parametrize(
    ("nodes", "engine", "asked"),
    [
        ([{"CPU": 8.0}, {"CPU": 4.0}], {}, {"num_cpus": 4}),
        ([{"CPU": 8.0}, {"CPU": 4.0}], {"threads": 2}, {"num_cpus": 2}),
        ([{"CPU": 8.0}, {"CPU": 4.0}], {"threads": 16}, {"num_cpus": 4}),
        ([{"memory": 1e9}, {"CPU": 2.0}], {}, {"num_cpus": 2}),  # a head that runs no replica
        ([{"CPU": 8.0}, {"CPU": 32.0, "GPU": 4.0}], {}, {"num_cpus": 1, "num_gpus": 1}),
        ([{"CPU": 8.0, "GPU": 2.0}, {"CPU": 8.0, "GPU": 4.0}], {"tensor_parallel": 4}, {"num_cpus": 1, "num_gpus": 4}),
        ([{"CPU": 8.0, "GPU": 4.0}], {"tensor_parallel": 2, "pipeline_parallel": 2}, {"num_cpus": 1, "num_gpus": 4}),
    ],
)
def test_placement_replica_takes_its_gpus_or_a_whole_node(
    nodes: list[dict[str, float]], engine: dict[str, int], asked: dict[str, int]
):
    always = {"max_retries": 0, "scheduling_strategy": "SPREAD"}
    assert placement(nodes, Engine(**engine)) == always | asked


@pytest.mark.parametrize(
    ("nodes", "engine", "message"),
    [
        ([{"CPU": 8.0, "GPU": 4.0}], {"tensor_parallel": 8}, "takes 8 GPUs .* but no node .* more than 4"),
        ([{"memory": 1e9}], {}, "offers a GPU or a CPU"),
        ([], {}, "offers a GPU or a CPU"),
    ],
)
def test_placement_without_a_fitting_node_is_refused(
    nodes: list[dict[str, float]], engine: dict[str, int], message: str
):
    # Ray itself would wait for such a node for ever
    with pytest.raises(WorkerError, match=message):
        placement(nodes, Engine(**engine))


@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://127.0.0.1:4200/api", []),
        ("http://127.0.0.1:4200/api", ["10.0.0.1", "10.0.0.1"]),
        ("http://localhost:4200/api", ["127.0.0.2", "127.0.0.3"]),
        ("http://10.0.0.1:4200/api", ["10.0.0.1", "10.0.0.2"]),
    ],
)
def test_check_prefect_server_that_nodes_reach_passes(url: str, addresses: list[str]):
    check_prefect_server(url, addresses)


@pytest.mark.parametrize(
    ("url", "addresses", "message"),
    [
        (None, [], "set PREFECT_API_URL"),
        ("http://127.0.0.1:4200/api", ["10.0.0.1", "10.0.0.2"], "PREFECT_API_URL is http://127.0.0.1.*2 hosts"),
        ("http://localhost:4200/api", ["10.0.0.1", "10.0.0.2"], "PREFECT_API_URL is http://localhost.*2 hosts"),
    ],
)
def test_check_prefect_server_out_of_the_nodes_reach_is_refused(url: Any, addresses: list[str], message: str):
    with pytest.raises(WorkerError, match=message):
        check_prefect_server(url, addresses)


def test_ray_cluster_without_ray_installed_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "prefect_ray", None)
    with pytest.raises(RecipeError, match="make ray"), ray_cluster("127.0.0.1:6379", Engine()):
        pass
