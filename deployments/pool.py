"""The work pool that the deployments name, and the queue of their runs, in which people may set a limit.

A pool says where runs happen. If the server has one of that name, of whatever type, it stays.
"""

from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from stillhouse.repository import ROOT


def register_pools(client: SyncPrefectClient, definitions: list[dict[str, Any]]) -> list[str]:
    """Make the pools and queues that the deployments name, if they do not exist; returns a line for each pool."""
    lines = []
    for name, queue in sorted({(one["work_pool"]["name"], one["work_pool"]["work_queue_name"]) for one in definitions}):
        pool_type = _make_pool(client, name)
        _make_queue(client, name, queue)
        lines.append(f"work pool {name}, type {pool_type}, queue {queue}")
    return lines


def _make_pool(client: SyncPrefectClient, name: str) -> str:
    try:
        found = client.read_work_pool(name)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=name, type="process", base_job_template=_in_this_checkout()))
        return "process"
    if found.type == "process":
        # the checkout may have moved
        client.update_work_pool(name, WorkPoolUpdate(base_job_template=_in_this_checkout(found.base_job_template)))
    return str(found.type)


def _in_this_checkout(template: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the template with runs in this checkout, from which relative paths in the form are resolved."""
    template = template or ProcessWorker.get_default_base_job_template()
    template["variables"]["properties"]["working_dir"]["default"] = str(ROOT)
    return template


def _make_queue(client: SyncPrefectClient, pool: str, name: str) -> None:
    try:
        client.read_work_queue_by_name(name, work_pool_name=pool)
    except ObjectNotFound:
        # without a limit: runs of one host wait for its device by themselves, and only one of them builds an artifact
        client.create_work_queue(name, work_pool_name=pool)
