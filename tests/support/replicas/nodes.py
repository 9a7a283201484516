"""A Ray cluster of two nodes on the loopback, each with settings of its own, as two machines would have."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType

import psutil

from tests.support.paths import ROOT
from tests.support.pipeline import command_of

_RAY = str(Path(sys.executable).with_name("ray"))


class TwoNodes:
    """The cluster's processes; `environments` are those of its two nodes."""

    def __init__(self, *environments: dict[str, str]) -> None:
        # sockets lie in it, whose paths must be short
        self._folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
        self.address = f"127.0.0.2:{_free_port()}"
        self._environments = environments
        self._token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        self._nodes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> "TwoNodes":
        first, second = self._environments
        port = self.address.partition(":")[2]
        head = [f"--port={port}", f"--ray-client-server-port={_free_port()}", f"--temp-dir={self._folder}"]
        self._start(first, "127.0.0.2", "--head", "--include-dashboard=false", *head)
        self._start(second, "127.0.0.3", f"--address={self.address}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in reversed(self._nodes):
            node.terminate()
        for node in self._nodes:
            try:
                node.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(node.pid, signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def environment(self) -> dict[str, str]:
        """What a flow on this cluster is started with."""
        return {**self._token, "STILLHOUSE_RAY_ADDRESS": self.address}

    def engines(self) -> list[psutil.Process]:
        """The scripted engines that run on the nodes."""
        family = [child for node in self._nodes for child in psutil.Process(node.pid).children(recursive=True)]
        return [child for child in family if "scripted_engine.py" in command_of(child)]

    def _start(self, environment: dict[str, str], ip: str, *arguments: str) -> None:
        command = [_RAY, "start", "--block", f"--node-ip-address={ip}", "--num-cpus=1", "--disable-usage-stats"]
        node = subprocess.Popen(
            [*command, "--object-store-memory=80000000", *arguments],
            env={**os.environ, **environment, **self._token, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._nodes.append(node)
        assert node.stdout
        said = []
        for line in node.stdout:
            said.append(line)
            if "Ray runtime started" in line:
                break
        assert node.poll() is None, "".join(said)
        # read on, so that the node never waits for room in the pipe
        threading.Thread(target=node.stdout.read, daemon=True).start()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.2", 0))
        return int(found.getsockname()[1])
