"""What the server does by itself, on a real server: ends zombies and tells a webhook."""

import os
import signal

import pytest

from tests.support.infra.machine import Machine, wait_until
from tests.support.infra.webhook import Webhook

pytestmark = pytest.mark.long


def automation(machine: Machine, name: str) -> dict:
    (found,) = machine.api("POST", "/automations/filter", {"automations": {"name": {"any_": [f"stillhouse: {name}"]}}})
    return found


def test_failed_run_is_told_to_the_webhook(machine: Machine, hook: Webhook):
    run = machine.start_run("distill/distill", recipe="not-there")
    machine.wait_for(run, "Failed")
    (told,) = wait_until(lambda: hook.about("not-there"), 30, "a notification")
    assert told["path"] == "/hook/very-secret-path"
    assert told["subject"].startswith("Stillhouse: ")
    assert told["subject"].endswith(" Failed")
    assert "No recipe 'not-there'" in told["text"]
    assert f"http://127.0.0.1:{machine.ports['prefect']}/runs/flow-run/{run}" in told["text"]


def test_refused_gate_is_told_to_the_webhook_with_its_reasons(machine: Machine, hook: Webhook):
    run = machine.start_run("held/held", seconds=0, refuse=True)
    machine.wait_for(run, "Completed")
    (told,) = wait_until(lambda: hook.about("tickets"), 30, "a notification")
    assert told["subject"] == "Stillhouse: the gate refused tickets"
    reasons, report, link = told["text"].split("\n")
    assert reasons == "comparison.quality_retained >= 0.92: 0.8712; comparison.memory_reduction > 0: not measured"
    assert report == "s3://stillhouse/store/runs/1/report.html"
    assert link.endswith(f"/runs/flow-run/{run}")


def test_run_that_passes_its_gate_tells_nobody(machine: Machine, hook: Webhook):
    before = len(hook.received)
    machine.wait_for(machine.start_run("held/held", seconds=0), "Completed")
    # after it, so that by its notification the earlier one would have come
    machine.wait_for(machine.start_run("distill/distill", recipe="afterwards"), "Failed")
    wait_until(lambda: hook.about("afterwards"), 30, "the later notification")
    assert len(hook.received) == before + 1


def test_webhook_address_is_shown_by_no_api_and_no_log(machine: Machine):
    (block,) = machine.api("POST", "/block_documents/filter", {"block_documents": {"is_anonymous": {"eq_": False}}})
    assert block["name"] == "stillhouse-webhook"
    seen = str(block) + "".join(path.read_text(errors="replace") for path in (machine.state / "logs").iterdir())
    assert "very-secret-path" not in seen


def test_run_without_heartbeat_is_marked_crashed_and_told(machine: Machine, hook: Webhook):
    zombies = automation(machine, "zombies")
    assert zombies["trigger"]["within"] == 90.0
    # the same automation with less patience
    hasty = {name: zombies[name] for name in ("name", "description", "enabled", "actions")}
    machine.api("PUT", f"/automations/{zombies['id']}", hasty | {"trigger": zombies["trigger"] | {"within": 10}})
    run = machine.start_run("held/held")
    machine.wait_for(run, "Running")
    for process in machine.running():
        if process.pid not in (machine.pids()["s3"], machine.pids()["prefect"]):
            os.kill(process.pid, signal.SIGKILL)
    try:
        crashed = machine.wait_for(run, "Crashed", seconds=60)
        assert crashed["state"]["message"].startswith("No heartbeat for 90 s")
        wait_until(lambda: hook.about(run), 30, "a notification")
    finally:
        machine.up()
    assert automation(machine, "zombies")["trigger"]["within"] == 90.0
