"""SQLite behind the server of `make up`, with more at once than a worker's runs ever do."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.infra.services import LocalServices

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

RUNS, AT_ONCE = 60, 12


def test_server_with_many_writers_at_once_never_finds_its_database_locked(services: LocalServices):
    request = services.prefect.request
    flow = request("POST", "/flows/", {"name": "many"})["id"]

    def live() -> None:
        """One run's life, with the heartbeats that the zombies automation counts."""
        scheduled = {"type": "SCHEDULED", "name": "Scheduled"}
        run = request("POST", "/flow_runs/", {"flow_id": flow, "tags": ["stillhouse"], "state": scheduled})["id"]
        for state in ("PENDING", "RUNNING", "COMPLETED"):
            request("POST", f"/flow_runs/{run}/set_state", {"state": {"type": state}, "force": True})
            heartbeat = {
                "id": str(uuid.uuid4()),
                "occurred": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "event": "prefect.flow-run.heartbeat",
                "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
                "related": [{"prefect.resource.id": "prefect.tag.stillhouse", "prefect.resource.role": "tag"}],
            }
            request("POST", "/events", [heartbeat])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(live) for _ in range(RUNS)]:
            done.result()

    assert "database is locked" not in (services.state / "logs" / "prefect.log").read_text()
