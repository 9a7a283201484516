"""The three services of one machine: how each is started and when it is ready.

Separate because up is only the order of them. Keys reach them by environment, never on a command line, which anyone on
the machine may read.
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
from infra.local.paths import BUCKET, HOST, Places
from infra.local.ports import is_open
from infra.local.processes import find, start
from stillhouse.errors import ServiceError
from stillhouse.repository import ROOT

_BIN = Path(sys.executable).parent


def start_s3(places: Places, keys: Keys) -> bool:
    """Start the S3 server if it does not run, make the bucket; returns whether it was started now."""
    folder = places.state / "s3"
    folder.mkdir(exist_ok=True)
    environment = _own_environment() | {
        # the inner quotes are rclone's: without them a comma parts two identities
        "RCLONE_AUTH_KEY": f'"{keys.s3_key},{keys.s3_secret}"',
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CACHE_DIR": str(places.state / "rclone"),
    }
    command = [str(_BIN / "rclone"), "serve", "s3", "--addr", f"{HOST}:{places.ports['s3']}", str(folder)]
    started = _start("s3", command, environment, places)
    _wait("s3", places, 30, lambda: is_open(places.ports["s3"]))
    _make_bucket(places, keys)
    return started


def start_reports(places: Places, keys: Keys) -> bool:
    """Start the server of finished reports if it does not run; returns whether it was started now.

    A link to s3:// opens in no browser. It asks for the login of Prefect's page.
    """
    places.reports.mkdir(parents=True, exist_ok=True)
    user, _, password = keys.login.partition(":")
    environment = _own_environment() | {
        "RCLONE_USER": user,
        "RCLONE_PASS": password,
        "RCLONE_CONFIG": os.devnull,
        "RCLONE_CACHE_DIR": str(places.state / "rclone"),
        # a report is looked at as soon as it is there
        "RCLONE_DIR_CACHE_TIME": "1s",
    }
    command = [str(_BIN / "rclone"), "serve", "http", "--read-only", "--addr", f"{HOST}:{places.ports['reports']}"]
    started = _start("reports", [*command, str(places.reports)], environment, places)
    _wait("reports", places, 30, lambda: is_open(places.ports["reports"]))
    return started


def start_prefect(places: Places, keys: Keys) -> bool:
    """Start the Prefect server if it does not run; returns whether it was started now."""
    environment = _own_environment() | {
        "PREFECT_HOME": str(places.state / "prefect"),
        "PYTHONPATH": str(ROOT),
        "PREFECT_SERVER_API_HOST": HOST,
        # by environment, not by option: the UI would call the default port
        "PREFECT_SERVER_API_PORT": str(places.ports["prefect"]),
        "PREFECT_SERVER_API_AUTH_STRING": keys.login,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # for the links in notifications
        "PREFECT_UI_URL": places.ui_url,
        # in memory, a restart of the server would crash the runs that hold a lease
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        # or the database grows for ever: heartbeats are events
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P2D",
    }
    command = [sys.executable, "-m", "infra.local.prefect_server", "server", "start"]
    started = _start("prefect", command, environment, places)
    _wait("prefect", places, 120, lambda: is_serving(places, keys))
    return started


def start_worker(places: Places, keys: Keys) -> bool:
    """Start the worker if it does not run; returns whether it was started now."""
    environment = _own_environment() | client_environment(places, keys)
    environment |= {
        "PREFECT_HOME": str(places.state / "prefect"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "prefect", "worker", "start"]
    command += ["--pool", POOL, "--type", "process", "--name", WORKER, "--install-policy", "never"]
    # more at once would only wait for the device, and a dozen starting together lock the server's SQLite
    command += ["--limit", "4"]
    if not find("worker", places.state):
        # of a machine that lost its power, say
        settle_runs(places, keys)
    asked = datetime.now(UTC)
    started = _start("worker", command, environment, places)
    # one that was found has been heard of before; a fresh one must be heard of now
    _wait("worker", places, 60, lambda: not started or has_worker(places, keys, asked))
    return started


def _own_environment() -> dict[str, str]:
    """The caller's environment without what would point the services to other servers, accounts or homes."""
    others = ("PREFECT_", "AWS_", "RCLONE_", "STILLHOUSE_NOTIFY_")
    return {name: value for name, value in os.environ.items() if not name.startswith(others)}


def _start(name: str, command: list[str], environment: Mapping[str, str], places: Places) -> bool:
    if find(name, places.state):
        return False
    start(name, command, environment, places.state, port=places.ports.get(name, 0))
    return True


def _wait(name: str, places: Places, timeout_s: float, is_ready: Callable[[], bool]) -> None:
    log = places.logs / f"{name}.log"
    deadline = time.monotonic() + timeout_s
    while not is_ready():
        if not find(name, places.state):
            raise ServiceError(f"The {name} service ended while it was started. Its log says why: {log}")
        if time.monotonic() > deadline:
            raise ServiceError(
                f"The {name} service did not answer within {timeout_s:g} s; see {log}, then `make down`."
            )
        time.sleep(0.2)


def _make_bucket(places: Places, keys: Keys) -> None:
    client = s3fs.S3FileSystem(
        key=keys.s3_key,
        secret=keys.s3_secret,
        endpoint_url=places.s3_url,
        client_kwargs={"region_name": "us-east-1"},
        skip_instance_cache=True,
    )
    try:
        client.mkdir(BUCKET)
    except FileExistsError:
        return
    except PermissionError as error:
        raise ServiceError(
            f"The S3 server runs with other keys than {places.keys_file} holds: `make down`, then `make up`."
        ) from error
