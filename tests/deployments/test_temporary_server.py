"""The Prefect server of one run: it takes who has its password, and ends with whoever started it."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import httpx
import pytest

from deployments.temporary_server import TemporaryServer, start_early
from stillhouse.errors import ServiceError
from stillhouse.repository import ROOT
from tests.support.processes import is_alive, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _home() -> None:
    Path(os.environ["PREFECT_HOME"]).mkdir(parents=True)


def test_temporary_server_takes_its_password_alone_and_ends_at_stop() -> None:
    server = TemporaryServer()
    try:
        server.wait(120)
        with httpx.Client(base_url=server.url, trust_env=False) as client:
            assert client.post("/flows/count", json={}).status_code == 401
            user, _, password = server.login.partition(":")
            assert client.post("/flows/count", json={}, auth=(user, password)).json() == 0
    finally:
        server.stop()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/health", trust_env=False)


def test_temporary_server_ends_without_a_word_at_ctrl_c(capfd: pytest.CaptureFixture[str]) -> None:
    server = TemporaryServer()
    try:
        server.wait(120)
        server._process.send_signal(signal.SIGINT)  # as a terminal sends it to a command and all that it started
        server._process.wait(timeout=30)
    finally:
        server.stop()
    assert capfd.readouterr().err == ""


def test_temporary_server_ends_when_its_maker_is_killed(tmp_path: Path) -> None:
    code = f"""
        import json, time
        from pathlib import Path
        from deployments.temporary_server import TemporaryServer
        server = TemporaryServer()
        noted = Path({str(tmp_path)!r}) / "pid.new"
        noted.write_text(json.dumps(server._process.pid))
        noted.rename(noted.with_suffix(".json"))
        time.sleep(300)
    """
    maker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        wait_until((tmp_path / "pid.json").exists, 30, "the server's start")
        server = json.loads((tmp_path / "pid.json").read_text())
        assert is_alive(server)
    finally:
        maker.kill()
        maker.wait()
    wait_until(lambda: not is_alive(server), 10, "the server's end")


def test_temporary_servers_at_once_have_a_database_each_and_the_first_that_of_the_home() -> None:
    home = Path(os.environ["PREFECT_HOME"])
    first = TemporaryServer()
    wait_until((home / "prefect.db").exists, 60, "the first server's database")
    second = TemporaryServer()
    try:
        for server, created in ((first, 1), (second, 0)):
            server.wait(120)
            user, _, password = server.login.partition(":")
            with httpx.Client(base_url=server.url, trust_env=False, auth=(user, password)) as client:
                if created:
                    client.post("/flows/", json={"name": "of the first"}).raise_for_status()
                assert client.post("/flows/count", json={}).json() == created
    finally:
        first.stop()
        second.stop()
    assert (home / "temporary-2" / "prefect.db").exists()
    third = TemporaryServer()  # the home's is free again, with what was in it
    try:
        third.wait(120)
        user, _, password = third.login.partition(":")
        with httpx.Client(base_url=third.url, trust_env=False, auth=(user, password)) as client:
            assert client.post("/flows/count", json={}).json() == 1
    finally:
        third.stop()


def test_temporary_server_that_ends_at_its_start_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", "nonsense")
    server = TemporaryServer()
    try:
        with pytest.raises(ServiceError, match="ended at its start, with exit code"):
            server.wait(60)
    finally:
        server.stop()


def test_start_early_with_a_server_in_the_environment_starts_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    assert start_early() is None
