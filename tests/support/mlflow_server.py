"""A real MLflow server on SQLite, in an environment of its own: full MLflow does not fit into Stillhouse's."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.support.infra.services import free_port
from tests.support.paths import ROOT

# the version of the client, which infra/requirements/mlflow.txt pins
MLFLOW = "mlflow==3.17.2"
ENVIRONMENT = ROOT / ".venv" / "mlflow-server"


def make_environment() -> None:
    """Install the server, if it is not there; minutes the first time."""
    done = ENVIRONMENT / ".done"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True)
        pip = [ENVIRONMENT / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, MLFLOW], check=True)
        done.touch()


@contextlib.contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Serve a new registry whose files lie in `folder`, and yield its address."""
    make_environment()
    port = free_port()
    process = subprocess.Popen(
        [
            *(ENVIRONMENT / "bin" / "python", "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
            *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "files")),
            *("--workers", "1"),
        ],
        cwd=folder,
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=(folder / "log.txt").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/health", folder / "log.txt")
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        process.wait(timeout=30)


def _wait(address: str, log: Path, timeout_s: float = 240.0) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(address, trust_env=False, timeout=10).is_success:
                return
        time.sleep(0.5)
    raise AssertionError(log.read_text()[-2000:])
