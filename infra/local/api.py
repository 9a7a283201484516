"""The few requests of `make up` and `make down` to the Prefect server, over its REST API.

Prefect's own client is not used: importing it takes seconds, and it keeps the settings of one server.
"""

from datetime import UTC, datetime
from typing import Any

import httpx

from infra.local.credentials import Keys
from infra.local.paths import LocalPaths
from stillhouse.errors import ServiceError

POOL = "stillhouse"
WORKER = "local"

_GONE = "The run's process was ended: by `make down`, or with its worker or machine. Retry goes on where it was."
# the state of a run once no process works on it; a run that was about to start waits for the next worker
_SETTLED = {
    "RUNNING": {"type": "CRASHED", "name": "Crashed", "message": _GONE},
    "CANCELLING": {"type": "CANCELLED", "name": "Cancelled", "message": _GONE},
    "PENDING": {"type": "SCHEDULED", "name": "Scheduled"},
}


def is_serving(paths: LocalPaths, keys: Keys) -> bool:
    """Return whether the server answers and knows the login."""
    try:
        return _request(paths, keys, "GET", "/admin/version").is_success
    except httpx.TransportError:
        return False


def has_worker(paths: LocalPaths, keys: Keys, since: datetime) -> bool:
    """Return whether a worker sent a heartbeat after `since`."""
    return any(datetime.fromisoformat(worker["last_heartbeat_time"]) >= since for worker in _workers(paths, keys))


def settle_runs(paths: LocalPaths, keys: Keys) -> None:
    """Give each run without a process its true state; it would stay Running for ever.

    Call it while the worker is down. It does nothing if another worker serves the pool.
    """
    if any(worker["name"] != WORKER and worker["status"] == "ONLINE" for worker in _workers(paths, keys)):
        return
    query = {
        "work_pools": {"name": {"any_": [POOL]}},
        "flow_runs": {"state": {"type": {"any_": list(_SETTLED)}}},
    }
    for run in _request(paths, keys, "POST", "/flow_runs/filter", query).json():
        state = _SETTLED[run["state_type"]] | {"state_details": {"scheduled_time": datetime.now(UTC).isoformat()}}
        _request(paths, keys, "POST", f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})


def _workers(paths: LocalPaths, keys: Keys) -> list[dict[str, Any]]:
    response = _request(paths, keys, "POST", f"/work_pools/{POOL}/workers/filter", {})
    workers: list[dict[str, Any]] = response.json() if response.is_success else []
    return workers


def _request(
    paths: LocalPaths, keys: Keys, method: str, path: str, body: dict[str, Any] | None = None
) -> httpx.Response:
    user, _, password = keys.login.partition(":")
    # trust_env: requests to the loopback go through no proxy
    with httpx.Client(auth=(user, password), timeout=30, trust_env=False) as client:
        response = client.request(method, f"{paths.ui_url}/api{path}", json=body)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise ServiceError(
            f"The Prefect server runs with another login than {paths.keys_file} holds: `make down`, then `make up`."
        )
    return response
