"""Replicas on a Ray cluster, through Prefect's task runner for Ray.

Ray is no part of the basic set-up: nothing else imports it, and this module only when replicas start.
"""

import signal
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from prefect.futures import PrefectFuture
from prefect.settings import PREFECT_API_URL

from stillhouse.errors import RecipeError, WorkerError
from stillhouse.recipe.engine import Engine
from tasks.orchestration.replicas.local import ReplicaRunner

Resources = Mapping[str, float]
_LOOPBACK = ("127.", "::1", "localhost")


@contextmanager
def ray_cluster(address: str, engine: Engine) -> Iterator[ReplicaRunner]:
    """Yield the Ray cluster at `address` for replicas that run `engine`.

    Raises:
        RecipeError: Ray is not installed.
        WorkerError: the cluster can't be joined or run a replica, or its nodes could not reach the Prefect server.
    """
    if not all(find_spec(name) for name in ("ray", "prefect_ray")):
        raise RecipeError(
            f"STILLHOUSE_RAY_ADDRESS is {address}, but Ray is not installed. Run `make ray` on every node; or unset "
            "STILLHOUSE_RAY_ADDRESS to run the replicas one after the other on this machine."
        )
    check_prefect_server(PREFECT_API_URL.value(), [])
    import ray
    from prefect_ray.context import remote_options

    with ExitStack() as stack:
        runner = _join(stack, address)
        nodes = [node for node in ray.nodes() if node["Alive"]]
        check_prefect_server(PREFECT_API_URL.value(), [node["NodeManagerAddress"] for node in nodes])
        options = placement([node["Resources"] for node in nodes], engine)
        stack.enter_context(remote_options(**options))
        yield ReplicaRunner(runner, _cancel, f"on a Ray cluster of {len(nodes)} nodes", int(options.get("num_gpus", 0)))


def placement(nodes: Sequence[Resources], engine: Engine) -> dict[str, Any]:
    """Return what one replica reserves in Ray: its GPUs if the cluster has any, else the processors of a node.

    `nodes` holds the resources of each living node.

    Raises:
        WorkerError: no node can ever run a replica; Ray would wait for one without a word.
    """
    # a lost replica is shown, not started again: its completions are stored, and the next run requests the rest
    options = {"max_retries": 0, "scheduling_strategy": "SPREAD"}
    gpus = max((node.get("GPU", 0.0) for node in nodes), default=0.0)
    if gpus:
        if engine.num_gpus > gpus:
            raise WorkerError(
                f"An engine takes {engine.num_gpus} GPUs (engine.tensor_parallel times pipeline_parallel), but no node "
                f"of the Ray cluster has more than {gpus:g}. Set them lower, or take other nodes."
            )
        return {**options, "num_gpus": engine.num_gpus, "num_cpus": 1}
    cpus = [node["CPU"] for node in nodes if node.get("CPU", 0.0) >= 1]
    if not cpus:
        raise WorkerError("No node of the Ray cluster offers a GPU or a CPU. Start one without --num-cpus=0.")
    # on CPUs an engine takes a node; of those that share a larger one, its device lock lets one work at a time
    return {**options, "num_cpus": int(min([*cpus, engine.threads or max(cpus)]))}


def check_prefect_server(url: str | None, addresses: Sequence[str]) -> None:
    """Raise a WorkerError if the nodes at `addresses` could not reach the Prefect server at `url`."""
    if not url:
        raise WorkerError(
            "Replicas on Ray report to a Prefect server, and there is only this run's temporary one. Start one with "
            "`prefect server start`, and set PREFECT_API_URL to an address that every node reaches."
        )
    hosts = {"loopback" if address.startswith(_LOOPBACK) else address for address in addresses}
    if (urlsplit(url).hostname or "").startswith(_LOOPBACK) and len(hosts) > 1:
        raise WorkerError(
            f"PREFECT_API_URL is {url}, which only this machine reaches, and the Ray cluster has {len(hosts)} hosts. "
            "Set it to an address that every node reaches."
        )


def _join(stack: ExitStack, address: str) -> Any:
    from prefect_ray import RayTaskRunner

    cancels_the_run = signal.getsignal(signal.SIGTERM)
    runner = RayTaskRunner(address=address, init_kwargs={"log_to_driver": False, "logging_level": "ERROR"})
    host, _, port = address.rpartition(":")
    try:
        # Ray itself would wait for minutes for one that is not there
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
        stack.enter_context(runner)
    except (OSError, RuntimeError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise WorkerError(
            f"The Ray cluster at {address} (STILLHOUSE_RAY_ADDRESS) can't be joined: {reason}. This machine must be a "
            f"node of it: `ray start --address={address}`, with --num-cpus=0 where it shall run no replica."
        ) from error
    if threading.current_thread() is threading.main_thread():
        # Ray has taken the signal that Prefect cancels a run with
        signal.signal(signal.SIGTERM, cancels_the_run)
    return runner


def _cancel(futures: Sequence[PrefectFuture[Any]], grace_s: float = 15.0) -> None:
    """End the tasks: interrupted first, so that each ends its worker, then killed."""
    import ray

    references = [future.wrapped_future for future in futures]  # type: ignore[attr-defined]
    for reference in references:
        ray.cancel(reference, force=False)
    _, running = ray.wait(references, num_returns=len(references), timeout=grace_s)
    for reference in running:
        ray.cancel(reference, force=True)
