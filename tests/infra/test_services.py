"""Runs what infra/compose.yaml says, as processes in place of containers: its commands, variables and healthchecks.

Instead of Compose's names the services are at 127.0.0.1 on free ports; Postgres is the machine's own.
"""

import asyncio
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from stillhouse.artifacts.preflight import check_store
from stillhouse.artifacts.store import Store
from stillhouse.errors import StoreError
from stillhouse.runtime.settings import load_settings
from tests.support.infra.compose import example, load_compose
from tests.support.infra.postgres import BIN, Postgres

pytestmark = [pytest.mark.long, pytest.mark.skipif(BIN is None, reason="needs a Postgres server: initdb is not there")]

# what would have to be escaped in an address
VALUES = {"POSTGRES_PASSWORD": "p@s/s:w#%41", "PREFECT_LOGIN": "admin:l@g/in", "AWS_SECRET_ACCESS_KEY": "s3+sec/ret="}


class Services:
    """The services of the file, started one by one as a container would start them."""

    def __init__(self, folder: Path, stack: ExitStack):
        self._folder, self._stack = folder, stack
        self.ports = {name: _free_port() for name in ("postgres", "prefect", "s3", "worker-cpu")}
        published = {"PREFECT_PORT": str(self.ports["prefect"]), "S3_PORT": str(self.ports["s3"])}
        self.compose = load_compose({**example(), **VALUES, **published})["services"]
        stack.enter_context(Postgres(self.compose["postgres"]["environment"], self.ports["postgres"]))

    def environment(self, name: str) -> dict[str, str]:
        """The container's variables; the two ports are the ones its command listens on there."""
        declared = self.compose[name]["environment"].items()
        given = {key: self._here(str(value)) for key, value in declared if value is not None}
        given |= {"PREFECT_SERVER_API_PORT": str(self.ports["prefect"]), "PREFECT_SERVER_API_HOST": "127.0.0.1"}
        given |= {"PREFECT_WORKER_WEBSERVER_PORT": str(self.ports["worker-cpu"])}
        if name == "prefect":
            given |= {"PREFECT_SERVER_DATABASE_HOST": "127.0.0.1"}
            given |= {"PREFECT_SERVER_DATABASE_PORT": str(self.ports["postgres"])}
        own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(self._folder)}
        return {**own, "PREFECT_HOME": str(self._folder / name), "STILLHOUSE_WORK": str(self._folder / "work"), **given}

    def start(self, name: str, command: str = "") -> None:
        """Start a service and wait for its own healthcheck to pass."""
        words = shlex.split(self._here(command or self.compose[name]["command"]))
        log = (self._folder / f"{name}.log").open("w")
        process = subprocess.Popen(words, env=self.environment(name), cwd=self._folder, stdout=log, stderr=log)
        self._stack.callback(_end, process)
        deadline = time.monotonic() + 120
        while not self.is_healthy(name):
            assert process.poll() is None, (self._folder / f"{name}.log").read_text()[-3000:]
            assert time.monotonic() < deadline, f"{name} did not become healthy"
            time.sleep(0.5)

    def is_healthy(self, name: str) -> bool:
        """Run the service's healthcheck."""
        _, *check = (self._here(word) for word in self.compose[name]["healthcheck"]["test"])
        return subprocess.run(check, env=self.environment(name), capture_output=True).returncode == 0

    def _here(self, text: str) -> str:
        for there, port in {":4200": "prefect", ":9000": "s3", ", 9000": "s3", ":8080": "worker-cpu"}.items():
            text = text.replace(there, there[:-4] + str(self.ports[port]))
        return (
            text.replace("//prefect:", "//127.0.0.1:").replace("//s3:", "//127.0.0.1:").replace("0.0.0.0", "127.0.0.1")
        )


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a service as a container's end does: killed where it has not heeded SIGTERM in time."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with ExitStack() as stack:
        running = Services(tmp_path_factory.mktemp("services"), stack)
        assert not running.is_healthy("prefect")
        running.start("prefect")
        yield running


def ask(services: Services, path: str, login: str | None) -> httpx.Response:
    auth = tuple(login.split(":", 1)) if login else None
    url = f"http://127.0.0.1:{services.ports['prefect']}{path}"
    return httpx.get(url, auth=auth, trust_env=False)  # type: ignore[arg-type]


def test_prefect_server_asks_for_the_login_and_its_page_calls_the_published_port(services):
    assert ask(services, "/api/admin/version", VALUES["PREFECT_LOGIN"]).status_code == 200
    assert ask(services, "/api/admin/version", None).status_code == 401
    assert ask(services, "/api/admin/version", "admin:wrong").status_code == 401
    page = ask(services, "/ui-settings", None).json()
    assert page["api_url"] == services.compose["prefect"]["environment"]["PREFECT_SERVER_UI_API_URL"]


def test_prefect_server_keeps_its_runs_in_postgres(services):
    async def tables() -> set[str]:
        postgres = services.compose["postgres"]["environment"]
        connection = await asyncpg.connect(
            host="127.0.0.1",
            port=services.ports["postgres"],
            user=postgres["POSTGRES_USER"],
            database=postgres["POSTGRES_DB"],
            password=VALUES["POSTGRES_PASSWORD"],
        )
        try:
            return {row["tablename"] for row in await connection.fetch("select tablename from pg_tables")}
        finally:
            await connection.close()

    assert {"flow_run", "task_run", "work_pool"} <= asyncio.run(tables())


def test_worker_registers_the_deployments_and_serves_their_pool(services):
    services.start("worker-cpu")
    login = VALUES["PREFECT_LOGIN"]
    pool: dict[str, Any] = {}
    deadline = time.monotonic() + 60
    while pool.get("status") != "READY":
        assert time.monotonic() < deadline, pool
        pool = ask(services, "/api/work_pools/stillhouse", login).json()
        time.sleep(0.5)
    assert pool["type"] == "process"
    assert ask(services, "/api/deployments/name/distill/distill", login).json()["work_pool_name"] == pool["name"]


def test_store_of_the_workers_is_the_s3_service_and_asks_for_its_keys(services, monkeypatch):
    services.start("s3")
    environment = services.environment("worker-cpu")
    for name in [name for name in environment if name.startswith("AWS_")]:
        monkeypatch.setenv(name, environment[name])
    store = Store(load_settings(environment).store)
    check_store(store.config)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreError, match="S3 refused the keys"):
        check_store(load_settings(environment).store)
