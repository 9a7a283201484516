"""The calls that Prefect's page and its users make of the server that `make up` starts."""

import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from tests.support.processes import wait_until

ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class PrefectApi:
    """The server behind the environment that users source; runs are named by their ids, states by their types."""

    def __init__(self, client: Mapping[str, str], worker_log: Path) -> None:
        """Take that environment, and the log that is shown when a run does not get on."""
        self._environment = client
        self._log = worker_log

    @cached_property
    def _client(self) -> httpx.Client:
        user, _, password = self._environment["PREFECT_API_AUTH_STRING"].partition(":")
        # kept, since making one takes a tenth of a second of a processor that the runs need
        url = self._environment["PREFECT_API_URL"]
        return httpx.Client(base_url=url, auth=(user, password), timeout=90, trust_env=False)

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Return what the server answers, as JSON."""
        answer = self._client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def worker_log(self) -> str:
        """The last of what the worker printed."""
        return self._log.read_text()[-4000:]

    def start_run(self, deployment: str, environment: Mapping[str, str] | None = None, **parameters: Any) -> str:
        """Start a run of `flow/deployment` as the page does, and return its id."""
        found = self.request("GET", f"/deployments/name/{deployment}")
        body: dict[str, Any] = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        if environment:
            body["job_variables"] = {"env": dict(environment)}
        # as the page sends it, whatever the flow says of retries
        body["empirical_policy"] = {"retries": 0}
        return str(self.request("POST", f"/deployments/{found['id']}/create_flow_run", body)["id"])

    def wait_for_deployment(self, name: str, timeout_s: float = 60.0) -> None:
        """Return once there is a deployment of that name."""

        def is_there() -> bool:
            return name in [found["name"] for found in self.request("POST", "/deployments/filter", {"limit": 50})]

        wait_until(is_there, timeout_s, f"a deployment {name}")

    def deploy_held(self) -> None:
        """Put the flow of held.py into the same pool and queue as the real ones."""
        self.deploy_like_ours("held", "tests.support.infra.held.hold")

    def deploy_like_ours(self, name: str, entrypoint: str) -> None:
        """Put a flow of the tests, called `name`, into the same pool and queue as the real ones."""
        flow = self.request("POST", "/flows/", {"name": name})
        like = self.request("GET", "/deployments/name/distill/distill")
        self.request(
            "POST",
            "/deployments/",
            {field: like[field] for field in ("tags", "work_pool_name", "work_queue_name", "job_variables")}
            | {"flow_id": flow["id"], "name": name, "entrypoint": entrypoint, "pull_steps": []},
        )

    def retry(self, run: str) -> None:
        """Press `Retry`."""
        state = {"type": "SCHEDULED", "name": "AwaitingRetry"}
        self.request("POST", f"/flow_runs/{run}/set_state", {"state": state, "force": True})

    def cancel(self, run: str) -> None:
        """Press `Cancel`."""
        self.request("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})

    def state_of(self, run: str) -> dict[str, Any]:
        """The run's state: type, name, message."""
        return dict(self.request("GET", f"/flow_runs/{run}")["state"])

    def wait_for(self, run: str, *types: str, timeout_s: float = 90.0) -> dict[str, Any]:
        """Return the run's state once it is one of `types`; without any, once the run has ended."""
        deadline = time.monotonic() + timeout_s
        while (state := self.state_of(run))["type"] not in (types or ENDED):
            assert time.monotonic() < deadline, (state, self.worker_log())
            time.sleep(0.3)
        return state

    def settle(self, run: str, seconds: float = 10.0) -> None:
        """Return once the run's state has not changed for `seconds`."""
        state, since = self.state_of(run)["id"], time.monotonic()
        while time.monotonic() - since < seconds:
            time.sleep(0.5)
            if (now := self.state_of(run)["id"]) != state:
                state, since = now, time.monotonic()

    def wait_for_task(self, run: str, name: str, timeout_s: float = 120.0) -> None:
        """Return once the task `name` of the run is under way."""
        deadline = time.monotonic() + timeout_s
        while name not in [task["name"] for task in self.tasks(run) if task["state_type"] == "RUNNING"]:
            assert time.monotonic() < deadline, (name, self.state_of(run), self.worker_log())
            assert self.state_of(run)["type"] not in ENDED, self.state_of(run)
            time.sleep(0.5)

    def tasks(self, run: str) -> list[dict[str, Any]]:
        """The run's task runs, in the order they began."""
        found = self.request("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}, "limit": 200})
        return sorted(found, key=lambda task: task["start_time"] or "")

    def logs(self, run: str) -> list[str]:
        """The lines of the run's log."""
        lines = self.request("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200})
        return [line["message"] for line in lines]

    def artifacts(self, run: str) -> list[dict[str, Any]]:
        """The run's artifacts."""
        asked = {"artifacts": {"flow_run_id": {"any_": [run]}}, "limit": 200}
        return list(self.request("POST", "/artifacts/filter", asked))
