"""The services of one machine: how each is started, and when it is ready.

They get their keys by environment, never on a command line, which anyone on the machine can read.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import s3fs

from infra.local.api import POOL, WORKER, has_worker, is_serving, settle_runs
from infra.local.credentials import Keys, client_environment
from infra.local.paths import BUCKET, HOST, LocalPaths
from infra.local.ports import is_open
from infra.local.processes import find, start
from stillhouse.errors import ServiceError
from stillhouse.repository import ROOT

_BIN = Path(sys.executable).parent


def start_s3(paths: LocalPaths, keys: Keys) -> bool:
    """Start the S3 server if it does not run, and make the bucket; returns whether it was started now."""
    folder = paths.state / "s3"
    folder.mkdir(exist_ok=True)
    environment = _own_environment() | {
        # rclone needs the inner quotes: without them a comma separates two identities
        "RCLONE_AUTH_KEY": f'"{keys.s3_key},{keys.s3_secret}"',
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CACHE_DIR": str(paths.state / "rclone"),
    }
    command = [str(_BIN / "rclone"), "serve", "s3", "--addr", f"{HOST}:{paths.ports['s3']}", str(folder)]
    started = _start("s3", command, environment, paths)
    _wait("s3", paths, 30, lambda: is_open(paths.ports["s3"]))
    _make_bucket(paths, keys)
    return started


def start_reports(paths: LocalPaths, keys: Keys) -> bool:
    """Start the server of finished reports if it does not run; returns whether it was started now.

    No browser opens a link to s3://. The server asks for the login of Prefect's UI.
    """
    paths.reports.mkdir(parents=True, exist_ok=True)
    user, _, password = keys.login.partition(":")
    environment = _own_environment() | {
        "RCLONE_USER": user,
        "RCLONE_PASS": password,
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CACHE_DIR": str(paths.state / "rclone"),
        # a new report must show at once
        "RCLONE_DIR_CACHE_TIME": "1s",
    }
    command = [str(_BIN / "rclone"), "serve", "http", "--read-only", "--addr", f"{HOST}:{paths.ports['reports']}"]
    started = _start("reports", [*command, str(paths.reports)], environment, paths)
    _wait("reports", paths, 30, lambda: is_open(paths.ports["reports"]))
    return started


def start_prefect(paths: LocalPaths, keys: Keys) -> bool:
    """Start the Prefect server if it does not run; returns whether it was started now."""
    environment = _own_environment() | {
        "PREFECT_HOME": str(paths.state / "prefect"),
        "PYTHONPATH": str(ROOT),
        "PREFECT_SERVER_API_HOST": HOST,
        # as a variable, not as an option: the UI would call the default port
        "PREFECT_SERVER_API_PORT": str(paths.ports["prefect"]),
        "PREFECT_SERVER_API_AUTH_STRING": keys.login,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # for the links in notifications
        "PREFECT_UI_URL": paths.ui_url,
        # kept in memory, leases would be lost in a restart of the server, and their runs would crash
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        # without it the database grows for ever: heartbeats are events
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P2D",
    }
    command = [sys.executable, "-m", "infra.local.prefect_server", "server", "start"]
    started = _start("prefect", command, environment, paths)
    _wait("prefect", paths, 120, lambda: is_serving(paths, keys))
    return started


def start_worker(paths: LocalPaths, keys: Keys) -> bool:
    """Start the worker if it does not run; returns whether it was started now."""
    environment = _own_environment() | client_environment(paths, keys)
    environment |= {
        "PREFECT_HOME": str(paths.state / "prefect"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "prefect", "worker", "start"]
    command += ["--pool", POOL, "--type", "process", "--name", WORKER, "--install-policy", "never"]
    # more runs would only wait for the device, and a dozen that start together lock the server's SQLite
    command += ["--limit", "4"]
    if not find("worker", paths.state):
        # after a power cut, for example
        settle_runs(paths, keys)
    requested = datetime.now(UTC)
    started = _start("worker", command, environment, paths)
    # a worker that runs already was ready before; a new one must send a heartbeat
    _wait("worker", paths, 60, lambda: not started or has_worker(paths, keys, requested))
    return started


def _own_environment() -> dict[str, str]:
    """The caller's environment without variables that name other servers, accounts or home folders."""
    others = ("PREFECT_", "AWS_", "RCLONE_", "STILLHOUSE_NOTIFY_")
    return {name: value for name, value in os.environ.items() if not name.startswith(others)}


def _start(name: str, command: list[str], environment: Mapping[str, str], paths: LocalPaths) -> bool:
    if find(name, paths.state):
        return False
    start(name, command, environment, paths.state, port=paths.ports.get(name, 0))
    return True


def _wait(name: str, paths: LocalPaths, timeout_s: float, is_ready: Callable[[], bool]) -> None:
    log = paths.logs / f"{name}.log"
    deadline = time.monotonic() + timeout_s
    while not is_ready():
        if not find(name, paths.state):
            raise ServiceError(f"The {name} service ended while it was started. Its log says why: {log}")
        if time.monotonic() > deadline:
            raise ServiceError(
                f"The {name} service did not answer within {timeout_s:g} s; see {log}, then `make down`."
            )
        time.sleep(0.2)


def _make_bucket(paths: LocalPaths, keys: Keys) -> None:
    client = s3fs.S3FileSystem(
        key=keys.s3_key,
        secret=keys.s3_secret,
        endpoint_url=paths.s3_url,
        client_kwargs={"region_name": "us-east-1"},
        skip_instance_cache=True,
    )
    try:
        client.mkdir(BUCKET)
    except FileExistsError:
        return
    except PermissionError as error:
        raise ServiceError(
            f"The S3 server runs with other keys than {paths.keys_file} holds: `make down`, then `make up`."
        ) from error
