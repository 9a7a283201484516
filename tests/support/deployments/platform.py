"""The services of `make up` in a folder of their own, and the calls that Prefect's page makes of its server."""

import contextlib
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

from tests.support.infra.machine import Machine
from tests.support.paths import ROOT

FAULTS = Path(__file__).with_name("faults")
TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class Platform(Machine):
    """Server, worker and S3 server; a context that ends them."""

    def __enter__(self) -> "Platform":
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.ports['prefect']}"

    @property
    def login(self) -> str:
        """user:password of the server."""
        return (self.state / "login").read_text().strip()

    def shell(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command with the environment that users source."""
        line = f'set -a; . {self.state / "env"}; set +a; exec "$@"'
        return subprocess.run(
            ["sh", "-c", line, "sh", *command],
            cwd=ROOT,
            env={**self.environment, "PREFECT_HOME": str(self.folder / "shell"), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def start(self, parameters: dict[str, Any], *, deployment: str = "distill", **environment: str) -> str:
        """Start a run of a deployment as the page does, and return its id."""
        found = self.api("GET", f"/deployments/name/distill/{deployment}")
        body: dict[str, Any] = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
        if environment:
            body["job_variables"] = {"env": environment}
        # as the page sends it, whatever the flow says of retries
        body["empirical_policy"] = {"retries": 0}
        return str(self.api("POST", f"/deployments/{found['id']}/create_flow_run", body)["id"])

    def wait_for_deployment(self, name: str, timeout_s: float = 60.0) -> None:
        """Return once there is a deployment of that name."""
        deadline = time.monotonic() + timeout_s
        while name not in [found["name"] for found in self.api("POST", "/deployments/filter", {"limit": 50})]:
            assert time.monotonic() < deadline, f"no deployment {name}"
            time.sleep(0.3)

    def retry(self, run: str) -> None:
        """Press `Retry`."""
        state = {"type": "SCHEDULED", "name": "AwaitingRetry"}
        self.api("POST", f"/flow_runs/{run}/set_state", {"state": state, "force": True})

    def cancel(self, run: str) -> None:
        """Press `Cancel`."""
        self.api("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})

    def state_of(self, run: str) -> dict[str, Any]:
        """The run's state: type, name, message."""
        return dict(self.api("GET", f"/flow_runs/{run}")["state"])

    def wait(self, run: str, timeout_s: float = 300.0, states: tuple[str, ...] = TERMINAL) -> dict[str, Any]:
        """Return the run's state once it is one of `states`."""
        deadline = time.monotonic() + timeout_s
        while (state := self.state_of(run))["type"] not in states:
            assert time.monotonic() < deadline, (state, self.worker_log())
            time.sleep(1.0)
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
            assert self.state_of(run)["type"] not in TERMINAL, self.state_of(run)
            time.sleep(0.5)

    def tasks(self, run: str) -> list[dict[str, Any]]:
        """The run's task runs, in the order they began."""
        found = self.api("POST", "/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}, "limit": 200})
        return sorted(found, key=lambda task: task["start_time"] or "")

    def logs(self, run: str) -> str:
        """The run's log."""
        lines = self.api("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200})
        return "\n".join(line["message"] for line in lines)

    def artifacts(self, run: str) -> list[dict[str, Any]]:
        """The run's artifacts."""
        return list(
            self.api("POST", "/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run]}}, "limit": 200})
        )

    def worker_log(self) -> str:
        """The last of what the worker printed."""
        return (self.state / "logs" / "worker.log").read_text()[-4000:]

    def process_of(self, name: str) -> psutil.Process:
        """One of the services."""
        return psutil.Process(self.pids()[name])

    def flow_process(self, run: str) -> psutil.Process:
        """The process that executes a run."""
        for process in psutil.process_iter():
            try:
                if process.environ().get("PREFECT__FLOW_RUN_ID") == run:
                    family = process
                    while family.parent() and family.parent().environ().get("PREFECT__FLOW_RUN_ID") == run:
                        family = family.parent()
                    return family
            except psutil.Error:
                continue
        raise AssertionError(f"no process executes {run}")


def kill(process: psutil.Process) -> None:
    """SIGKILL, if it still runs."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)
