"""`make up` and `make down` as a user sees them: real servers, a real worker, real runs."""

import os
import signal
import stat
import time

import httpx
import psutil
import pytest

from tests.support.infra.machine import Machine, secrets_of, wait_until

pytestmark = pytest.mark.long


def test_up_second_time_finds_what_runs(machine: Machine):
    before = machine.pids()
    said = machine.up()
    assert machine.pids() == before
    assert said.count("already runs") == 4
    assert "started" not in said


def test_up_says_where_the_ui_and_the_login_are_and_no_key(machine: Machine):
    said = machine.up()
    assert f"http://127.0.0.1:{machine.ports['prefect']}" in said
    assert str(machine.state / "login") in said
    seen = said + "".join(path.read_text(errors="replace") for path in (machine.state / "logs").iterdir())
    seen += "".join(" ".join(process.cmdline()) for process in machine.running())
    assert not [key for key in secrets_of(machine) if key in seen]


def test_up_on_another_port_while_it_runs_is_refused(machine: Machine):
    message = machine.refused(STILLHOUSE_S3_PORT=str(machine.ports["s3"] + 1))
    assert f"The s3 service already runs on port {machine.ports['s3']}, and STILLHOUSE_S3_PORT says" in message


def test_up_state_is_private_and_the_home_untouched(machine: Machine):
    assert stat.S_IMODE(machine.state.stat().st_mode) == 0o700
    # an engine that a test has run before may have left its caches
    assert [path.name for path in machine.home.iterdir() if path.name != ".cache"] == []


def test_up_servers_listen_on_the_loopback_alone(machine: Machine):
    heard = {
        connection.laddr
        for process in machine.running()
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {port for _, port in heard} >= set(machine.ports.values())
    assert {host for host, _ in heard} == {"127.0.0.1"}


def test_up_prefect_refuses_who_does_not_know_the_login(machine: Machine):
    url = f"http://127.0.0.1:{machine.ports['prefect']}/api/admin/version"
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, auth=("admin", "guess")).status_code == 401
    user, password = (machine.state / "login").read_text().strip().split(":")
    assert httpx.get(url, auth=(user, password)).json() == "3.8.8"


def test_up_s3_refuses_other_keys(machine: Machine):
    store = machine.s3()
    store.pipe("stillhouse/store/seen", b"hello")
    assert store.cat("stillhouse/store/seen") == b"hello"
    for changed in ({"secret": "guess"}, {"key": "guess"}):
        with pytest.raises(PermissionError):
            type(store)(**store.storage_options | changed).ls("stillhouse")


def test_up_database_forgets_what_is_old(machine: Machine):
    settings = machine.api("GET", "/admin/settings")["server"]
    assert set(settings["services"]["db_vacuum"]["enabled"]) == {"events", "flow_runs"}
    assert settings["events"]["retention_period"] == "P2D"
    assert settings["concurrency"]["lease_storage"].endswith("lease_storage.filesystem")
    assert settings["analytics_enabled"] is False


def test_run_of_a_wrong_recipe_fails_with_the_users_message(machine: Machine):
    run = machine.wait_for(machine.start_run("distill/distill", recipe="absent"), "Failed", "Crashed", "Completed")
    assert run["state"]["name"] == "Failed"
    assert "No recipe 'absent'" in run["state"]["message"]


def test_run_on_a_worker_that_lacks_a_package_says_so(machine: Machine):
    shadow = machine.folder / "shadow" / "polars"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").write_text("raise ModuleNotFoundError('No module named polars', name='polars')\n")
    found = machine.api("GET", "/deployments/name/distill/distill")
    lacking = {"parameters": {}, "job_variables": {"env": {"PYTHONPATH": str(shadow.parent)}}}
    run = machine.api("POST", f"/deployments/{found['id']}/create_flow_run", lacking)
    state = machine.wait_for(run["id"], "Failed", "Crashed", "Completed")["state"]
    assert state["name"] == "Failed"
    assert "The package 'polars' is missing" in state["message"]
    assert "make setup" in state["message"]


def test_run_lines_reach_the_ui(machine: Machine):
    run = machine.start_run("held/held", seconds=0)
    machine.wait_for(run, "Completed")
    asked = {"logs": {"flow_run_id": {"any_": [run]}}}
    wait_until(
        lambda: f"run {run} holds on" in [line["message"] for line in machine.api("POST", "/logs/filter", asked)],
        20,
        "the run's own line in its log",
    )


def test_report_opens_in_a_browser_for_who_knows_the_login(machine: Machine):
    machine.s3().pipe("stillhouse/store/runs/r1/report.html", b"<h1>a report</h1>")
    url = f"{machine.client['STILLHOUSE_REPORT_URL']}/r1/report.html"
    user, password = (machine.state / "login").read_text().strip().split(":")
    assert httpx.get(url).status_code == 401
    answer = wait_until(lambda: (got := httpx.get(url, auth=(user, password))).is_success and got, 10, "the report")
    assert answer.text == "<h1>a report</h1>"
    assert answer.headers["content-type"].startswith("text/html")


def test_schedule_switched_on_makes_runs(machine: Machine):
    nightly = machine.api("GET", "/deployments/name/distill/nightly")
    (schedule,) = nightly["schedules"]
    path = f"/deployments/{nightly['id']}/schedules/{schedule['id']}"
    machine.api("PATCH", path, {"active": True})
    try:
        asked = {"deployments": {"id": {"any_": [nightly["id"]]}}}
        runs = wait_until(lambda: machine.api("POST", "/flow_runs/filter", asked), 60, "a scheduled run")
        assert {run["state"]["name"] for run in runs} == {"Scheduled"}
        assert {time.strptime(run["expected_start_time"][:19], "%Y-%m-%dT%H:%M:%S")[3:5] for run in runs} == {(2, 0)}
    finally:
        machine.api("PATCH", path, {"active": False})


def test_down_ends_everything_and_up_goes_on_with_what_was_there(machine: Machine):
    machine.s3().pipe("stillhouse/store/kept", b"an artifact")
    keys = secrets_of(machine)
    runs = machine.start_run("held/held"), machine.start_run("held/held", seconds=1)
    machine.wait_for(runs[0], "Running")
    wait_until(lambda: len(machine.running()) >= 6, 20, "the child of the run")

    started = time.monotonic()
    machine.down()
    assert time.monotonic() - started < 25
    assert machine.running() == []
    for port in machine.ports.values():
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}")

    machine.up()
    assert secrets_of(machine) == keys
    assert machine.s3().cat("stillhouse/store/kept") == b"an artifact"
    assert machine.run(runs[0])["state"]["name"] == "Crashed"
    # what had not begun still waits, and runs now
    machine.wait_for(runs[1], "Completed")


def test_up_after_a_power_cut_settles_the_runs_and_starts_again(machine: Machine):
    run = machine.start_run("held/held")
    machine.wait_for(run, "Running")
    for process in machine.running():
        process.kill()
    wait_until(lambda: not machine.running(), 10, "the end of all")

    said = machine.up()
    assert said.count(" started") == 4
    assert machine.run(run)["state"]["name"] == "Crashed"
    machine.wait_for(machine.start_run("held/held", seconds=0), "Completed")


def test_down_with_a_killed_worker_ends_its_orphans(machine: Machine):
    run = machine.start_run("held/held")
    machine.wait_for(run, "Running")
    wait_until(lambda: len(machine.running()) >= 6, 20, "the child of the run")
    os.kill(machine.pids()["worker"], signal.SIGKILL)
    machine.down()
    assert machine.running() == []
    machine.up()
    assert machine.run(run)["state"]["name"] == "Crashed"
