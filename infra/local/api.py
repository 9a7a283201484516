"""The few questions that up and down ask of the Prefect server, over its REST API.

Separate because Prefect's own client takes one server's settings when it is imported, seconds after the answer is due.
"""

from datetime import UTC, datetime
from typing import Any

import httpx

from infra.local.credentials import Keys
from infra.local.paths import Places
from stillhouse.errors import ServiceError

POOL = "stillhouse"
WORKER = "local"

_GONE = "The run's process was ended: by `make down`, or with its worker or machine. Retry goes on where it was."
# what a run is once no process works on it; one that was about to start waits for the next worker
_SETTLED = {
    "RUNNING": {"type": "CRASHED", "name": "Crashed", "message": _GONE},
    "CANCELLING": {"type": "CANCELLED", "name": "Cancelled", "message": _GONE},
    "PENDING": {"type": "SCHEDULED", "name": "Scheduled"},
}


def is_serving(places: Places, keys: Keys) -> bool:
    """Return whether the server answers and knows the login."""
    try:
        return _ask(places, keys, "GET", "/admin/version").is_success
    except httpx.TransportError:
        return False


def has_worker(places: Places, keys: Keys, since: datetime) -> bool:
    """Return whether a worker was heard of after `since`."""
    return any(datetime.fromisoformat(worker["last_heartbeat_time"]) >= since for worker in _workers(places, keys))


def settle_runs(places: Places, keys: Keys) -> None:
    """Give runs that no process works on any more the state they are in: they would stand Running for ever.

    To be called while the worker is down. Does nothing where another one serves the pool.
    """
    if any(worker["name"] != WORKER and worker["status"] == "ONLINE" for worker in _workers(places, keys)):
        return
    wanted = {
        "work_pools": {"name": {"any_": [POOL]}},
        "flow_runs": {"state": {"type": {"any_": list(_SETTLED)}}},
    }
    for run in _ask(places, keys, "POST", "/flow_runs/filter", wanted).json():
        state = _SETTLED[run["state_type"]] | {"state_details": {"scheduled_time": datetime.now(UTC).isoformat()}}
        _ask(places, keys, "POST", f"/flow_runs/{run['id']}/set_state", {"state": state, "force": True})


def _workers(places: Places, keys: Keys) -> list[dict[str, Any]]:
    answer = _ask(places, keys, "POST", f"/work_pools/{POOL}/workers/filter", {})
    found: list[dict[str, Any]] = answer.json() if answer.is_success else []
    return found


def _ask(places: Places, keys: Keys, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    user, _, password = keys.login.partition(":")
    # trust_env: a proxy of the environment has no business on the loopback
    with httpx.Client(auth=(user, password), timeout=30, trust_env=False) as client:
        response = client.request(method, f"{places.ui_url}/api{path}", json=body)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise ServiceError(
            f"The Prefect server runs with another login than {places.keys_file} holds: `make down`, then `make up`."
        )
    return response
