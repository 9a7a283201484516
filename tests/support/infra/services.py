"""The services of one `make up`, for tests: a state folder, free ports, and eyes on what it starts."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil
import s3fs
from dotenv import dotenv_values

from infra.local.processes import MARK
from tests.support.infra.prefect_api import PrefectApi
from tests.support.paths import ROOT

SERVICES = ("s3", "reports", "prefect", "worker")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class LocalServices:
    """The services of one `make up`, in a folder with ports and a home of their own; a context that ends them."""

    folder: Path

    def __post_init__(self) -> None:
        self.ports = {name: free_port() for name in ("prefect", "reports", "s3")}
        self.home.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "LocalServices":
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    @property
    def state(self) -> Path:
        return self.folder / "local"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def url(self) -> str:
        """Where Prefect's page is."""
        return f"http://127.0.0.1:{self.ports['prefect']}"

    @property
    def login(self) -> str:
        """user:password of the server."""
        return (self.state / "login").read_text().strip()

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
        """All processes that these services are or left behind."""
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

    @cached_property
    def prefect(self) -> PrefectApi:
        """The server, once it is up."""
        return PrefectApi(self.client, self.state / "logs" / "worker.log")

    def shell(self, *command: str) -> "subprocess.CompletedProcess[str]":
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

    def process_of(self, name: str) -> psutil.Process:
        """One of the services."""
        return psutil.Process(self.pids()[name])


def secrets_of(services: LocalServices) -> list[str]:
    """The texts that must stand nowhere but in the private files."""
    keys = json.loads((services.state / "keys.json").read_text())
    return [part for value in keys.values() for part in re.split(":", value) if part != "admin"]


def flow_process(run: str) -> psutil.Process:
    """Return the process that executes a run."""
    for process in psutil.process_iter():
        try:
            if process.environ().get("PREFECT__FLOW_RUN_ID") == run:
                family = process
                while (parent := family.parent()) and parent.environ().get("PREFECT__FLOW_RUN_ID") == run:
                    family = parent
                return family
        except psutil.Error:
            continue
    raise AssertionError(f"no process executes {run}")


def kill(process: psutil.Process) -> None:
    """SIGKILL, if it still runs."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGKILL)
