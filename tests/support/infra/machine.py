"""One `make up` of its own for tests: state folder, free ports, and eyes on what it starts."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import psutil
import s3fs
from dotenv import dotenv_values

from infra.local.processes import MARK
from tests.support.paths import ROOT

SERVICES = ("s3", "reports", "prefect", "worker")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(holds: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.3)
    return found


@dataclass
class Machine:
    """A machine as far as up and down see one: folder, ports, home."""

    folder: Path

    def __post_init__(self) -> None:
        self.ports = {name: free_port() for name in ("prefect", "reports", "s3")}
        self.home.mkdir(parents=True, exist_ok=True)

    @property
    def state(self) -> Path:
        return self.folder / "local"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @cached_property
    def environment(self) -> dict[str, str]:
        """Of up and down; whatever the test's own process has of Prefect and S3 must not matter."""
        return {
            **os.environ,
            "HOME": str(self.home),
            "PREFECT_API_URL": "http://127.0.0.1:1/api",
            "http_proxy": "http://127.0.0.1:1",
            "AWS_ACCESS_KEY_ID": "someone-elses",
            "STILLHOUSE_LOCAL": str(self.state),
            "STILLHOUSE_WORK": str(self.folder / "work"),
            **{f"STILLHOUSE_{name.upper()}_PORT": str(port) for name, port in self.ports.items()},
        }

    def call(self, module: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def up(self, **environment: str) -> str:
        done = self.call("infra.local.up", **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def down(self) -> str:
        done = self.call("infra.local.down")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def refused(self, **environment: str) -> str:
        """Return the message of an up that must end with exit code 2 and without a traceback."""
        done = self.call("infra.local.up", **environment)
        assert done.returncode == 2, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def pids(self) -> dict[str, int]:
        return {name: json.loads((self.state / "processes" / f"{name}.json").read_text())["pid"] for name in SERVICES}

    def running(self) -> list[psutil.Process]:
        """All processes that this machine's services are or left behind."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == str(self.state) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    @property
    def client(self) -> dict[str, str]:
        """What a user's shell sources."""
        return {name: str(value) for name, value in dotenv_values(self.state / "env").items()}

    def s3(self) -> s3fs.S3FileSystem:
        env = self.client
        return s3fs.S3FileSystem(
            key=env["AWS_ACCESS_KEY_ID"],
            secret=env["AWS_SECRET_ACCESS_KEY"],
            endpoint_url=env["AWS_ENDPOINT_URL_S3"],
            client_kwargs={"region_name": env["AWS_DEFAULT_REGION"]},
            skip_instance_cache=True,
            use_listings_cache=False,
        )

    def api(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._prefect.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    @cached_property
    def _prefect(self) -> httpx.Client:
        user, _, password = self.client["PREFECT_API_AUTH_STRING"].partition(":")
        # kept, since making one takes a tenth of a second of a processor that the runs need
        return httpx.Client(base_url=self.client["PREFECT_API_URL"], auth=(user, password), timeout=90, trust_env=False)

    def start_run(self, deployment: str, **parameters: Any) -> str:
        """Start a run of `flow/deployment` as the UI does, and return its id."""
        found = self.api("GET", f"/deployments/name/{deployment}")
        run = self.api("POST", f"/deployments/{found['id']}/create_flow_run", {"parameters": parameters})
        return str(run["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api("GET", f"/flow_runs/{run_id}")
        return found

    def wait_for(self, run_id: str, *states: str, seconds: float = 90) -> dict[str, Any]:
        """Return the run once it is in one of `states`."""
        wait_until(lambda: self.run(run_id)["state"]["name"] in states, seconds, f"{run_id} in {states}")
        return self.run(run_id)

    def deploy_held(self) -> None:
        """Put the flow of held.py into the same pool and queue as the real ones."""
        flow = self.api("POST", "/flows/", {"name": "held"})
        like = self.api("GET", "/deployments/name/distill/distill")
        self.api(
            "POST",
            "/deployments/",
            {name: like[name] for name in ("tags", "work_pool_name", "work_queue_name", "job_variables")}
            | {"flow_id": flow["id"], "name": "held", "entrypoint": "tests.support.infra.held.hold", "pull_steps": []},
        )


def secrets_of(machine: Machine) -> list[str]:
    """The texts that must stand nowhere but in the private files."""
    keys = json.loads((machine.state / "keys.json").read_text())
    return [part for value in keys.values() for part in re.split(":", value) if part != "admin"]
