"""`make up` and `make down` as a user sees them: real servers, a real worker, real runs."""

import os
import signal
import stat
import time
from importlib.metadata import version

import httpx
import psutil
import pytest

from tests.support.infra.services import LocalServices, secrets_of
from tests.support.processes import wait_until

pytestmark = pytest.mark.long


def test_up_second_time_finds_what_runs(services: LocalServices):
    before = services.pids()
    said = services.up()
    assert services.pids() == before
    assert said.count("already runs") == 4
    assert "started" not in said


def test_up_says_where_the_ui_and_the_login_are_and_no_key(services: LocalServices):
    said = services.up()
    assert services.url in said
    assert str(services.state / "login") in said
    seen = said + "".join(path.read_text(errors="replace") for path in (services.state / "logs").iterdir())
    seen += "".join(" ".join(process.cmdline()) for process in services.running())
    assert not [key for key in secrets_of(services) if key in seen]


def test_up_on_another_port_while_it_runs_is_refused(services: LocalServices):
    message = services.refused(STILLHOUSE_S3_PORT=str(services.ports["s3"] + 1))
    assert f"The s3 service already runs on port {services.ports['s3']}, and STILLHOUSE_S3_PORT says" in message


def test_up_state_is_private_and_the_home_untouched(services: LocalServices):
    assert stat.S_IMODE(services.state.stat().st_mode) == 0o700
    # an engine that a test has run before may have left its caches
    assert [path.name for path in services.home.iterdir() if path.name != ".cache"] == []


def test_up_servers_listen_on_the_loopback_alone(services: LocalServices):
    heard = {
        connection.laddr
        for process in services.running()
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {port for _, port in heard} >= set(services.ports.values())
    assert {host for host, _ in heard} == {"127.0.0.1"}


def test_up_prefect_refuses_who_does_not_know_the_login(services: LocalServices):
    url = f"{services.url}/api/admin/version"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, auth=("admin", "guess")).status_code == 401
    user, password = services.login.split(":")
    assert httpx.get(url, auth=(user, password)).json() == version("prefect")


def test_up_s3_refuses_other_keys(services: LocalServices):
    store = services.s3()
    store.pipe("stillhouse/store/seen", b"hello")
    assert store.cat("stillhouse/store/seen") == b"hello"
    for changed in ({"secret": "guess"}, {"key": "guess"}):
        with pytest.raises(PermissionError):
            type(store)(**store.storage_options | changed).ls("stillhouse")


def test_up_database_forgets_what_is_old(services: LocalServices):
    settings = services.prefect.request("GET", "/admin/settings")["server"]
    assert set(settings["services"]["db_vacuum"]["enabled"]) == {"events", "flow_runs"}
    assert settings["events"]["retention_period"] == "P2D"
    assert settings["concurrency"]["lease_storage"].endswith("lease_storage.filesystem")
    assert settings["analytics_enabled"] is False


def test_run_of_a_wrong_recipe_fails_with_the_users_message(services: LocalServices):
    state = services.prefect.wait_for(services.prefect.start_run("distill/distill", recipe="absent"))
    assert state["type"] == "FAILED"
    assert "No recipe 'absent'" in state["message"]


def test_run_on_a_worker_that_lacks_a_package_says_so(services: LocalServices):
    shadow = services.folder / "shadow" / "polars"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text("raise ModuleNotFoundError('No module named polars', name='polars')\n")
    run = services.prefect.start_run("distill/distill", {"PYTHONPATH": str(shadow.parent)})
    state = services.prefect.wait_for(run)
    assert state["type"] == "FAILED"
    assert "The package 'polars' is missing" in state["message"]
    assert "make setup" in state["message"]


def test_run_lines_reach_the_ui(services: LocalServices):
    run = services.prefect.start_run("held/held", seconds=0)
    services.prefect.wait_for(run, "COMPLETED")
    wait_until(lambda: f"run {run} holds on" in services.prefect.logs(run), 20, "the run's own line in its log")


def test_report_opens_in_a_browser_for_who_knows_the_login(services: LocalServices):
    services.s3().pipe("stillhouse/store/runs/r1/report.html", b"<h1>a report</h1>")
    url = f"{services.client['STILLHOUSE_REPORT_URL']}/r1/report.html"
    user, password = services.login.split(":")
    assert httpx.get(url).status_code == 401
    answer = wait_until(lambda: (got := httpx.get(url, auth=(user, password))).is_success and got, 10, "the report")
    assert answer.text == "<h1>a report</h1>"
    assert answer.headers["content-type"].startswith("text/html")


def test_schedule_switched_on_makes_runs(services: LocalServices):
    nightly = services.prefect.request("GET", "/deployments/name/distill/nightly")
    (schedule,) = nightly["schedules"]
    path = f"/deployments/{nightly['id']}/schedules/{schedule['id']}"
    services.prefect.request("PATCH", path, {"active": True})
    try:
        asked = {"deployments": {"id": {"any_": [nightly["id"]]}}}
        runs = wait_until(lambda: services.prefect.request("POST", "/flow_runs/filter", asked), 60, "a scheduled run")
        assert {run["state"]["name"] for run in runs} == {"Scheduled"}
        assert {time.strptime(run["expected_start_time"][:19], "%Y-%m-%dT%H:%M:%S")[3:5] for run in runs} == {(2, 0)}
    finally:
        services.prefect.request("PATCH", path, {"active": False})


def test_down_ends_everything_and_up_goes_on_with_what_was_there(services: LocalServices):
    services.s3().pipe("stillhouse/store/kept", b"an artifact")
    keys = secrets_of(services)
    runs = services.prefect.start_run("held/held"), services.prefect.start_run("held/held", seconds=1)
    services.prefect.wait_for(runs[0], "RUNNING")
    wait_until(lambda: len(services.running()) >= 6, 20, "the child of the run")

    started = time.monotonic()
    services.down()
    assert time.monotonic() - started < 25
    assert services.running() == []
    for port in services.ports.values():
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}")

    services.up()
    assert secrets_of(services) == keys
    assert services.s3().cat("stillhouse/store/kept") == b"an artifact"
    assert services.prefect.state_of(runs[0])["type"] == "CRASHED"
    # what had not begun still waits, and runs now
    services.prefect.wait_for(runs[1], "COMPLETED")


def test_up_after_a_power_cut_settles_the_runs_and_starts_again(services: LocalServices):
    run = services.prefect.start_run("held/held")
    services.prefect.wait_for(run, "RUNNING")
    for process in services.running():
        process.kill()
    wait_until(lambda: not services.running(), 10, "the end of all")

    said = services.up()
    assert said.count(" started") == 4
    assert services.prefect.state_of(run)["type"] == "CRASHED"
    services.prefect.wait_for(services.prefect.start_run("held/held", seconds=0), "COMPLETED")


def test_down_with_a_killed_worker_ends_its_orphans(services: LocalServices):
    run = services.prefect.start_run("held/held")
    services.prefect.wait_for(run, "RUNNING")
    wait_until(lambda: len(services.running()) >= 6, 20, "the child of the run")
    os.kill(services.pids()["worker"], signal.SIGKILL)
    services.down()
    assert services.running() == []
    services.up()
    assert services.prefect.state_of(run)["type"] == "CRASHED"
