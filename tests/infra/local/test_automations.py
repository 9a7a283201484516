"""What the server does by itself, on a real server: ends zombies and tells a webhook."""

import os
import signal
import sys
from pathlib import Path

import pytest

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.registry.registry import ModelRegistry
from tests.support.infra.services import LocalServices
from tests.support.infra.webhook import Webhook
from tests.support.paths import ROOT
from tests.support.processes import wait_until
from tests.support.registry import content

pytestmark = pytest.mark.long


def automation(services: LocalServices, name: str) -> dict:
    asked = {"automations": {"name": {"any_": [f"stillhouse: {name}"]}}}
    (found,) = services.prefect.request("POST", "/automations/filter", asked)
    return found


def test_failed_run_is_told_to_the_webhook(services: LocalServices, hook: Webhook):
    run = services.prefect.start_run("distill/distill", recipe="not-there")
    services.prefect.wait_for(run, "FAILED")
    (told,) = wait_until(lambda: hook.about("not-there"), 30, "a notification")
    assert told["path"] == "/hook/very-secret-path"
    assert told["subject"].startswith("Stillhouse: ")
    assert told["subject"].endswith(" Failed")
    assert "No recipe 'not-there'" in told["text"]
    assert f"{services.url}/runs/flow-run/{run}" in told["text"]


def test_refused_gate_is_told_to_the_webhook_with_its_reasons(services: LocalServices, hook: Webhook):
    run = services.prefect.start_run("held/held", seconds=0, refuse=True)
    services.prefect.wait_for(run, "COMPLETED")
    (told,) = wait_until(lambda: hook.about("tickets"), 30, "a notification")
    assert told["subject"] == "Stillhouse: tickets did not pass its gate: refused"
    reasons, report, link = told["text"].split("\n")
    failed = ["comparison.quality_retained >= 0.92: 0.8712, refused"]
    failed += ["comparison.memory_reduction > 0: not measured, undecidable"]
    assert reasons == "; ".join(failed)
    assert report == "s3://stillhouse/store/runs/1/report.html"
    assert link.endswith(f"/runs/flow-run/{run}")


def test_run_that_passes_its_gate_tells_nobody(services: LocalServices, hook: Webhook):
    before = len(hook.received)
    services.prefect.wait_for(services.prefect.start_run("held/held", seconds=0), "COMPLETED")
    # after it, so that by its notification the earlier one would have come
    services.prefect.wait_for(services.prefect.start_run("distill/distill", recipe="afterwards"), "FAILED")
    wait_until(lambda: hook.about("afterwards"), 30, "the later notification")
    assert len(hook.received) == before + 1


def test_webhook_address_is_shown_by_no_api_and_no_log(services: LocalServices):
    asked = {"block_documents": {"is_anonymous": {"eq_": False}}}
    (block,) = services.prefect.request("POST", "/block_documents/filter", asked)
    assert block["name"] == "stillhouse-webhook"
    seen = str(block) + "".join(path.read_text(errors="replace") for path in (services.state / "logs").iterdir())
    assert "very-secret-path" not in seen


def test_replaced_champion_starts_its_export(services: LocalServices):
    services.prefect.deploy_like_ours("promoting", "tests.support.infra.promoting.promoting")
    for mark in ("a", "b"):
        run = services.prefect.start_run("promoting/promoting", {"PYTHONPATH": str(ROOT)}, mark=mark)
        assert services.prefect.wait_for(run, timeout_s=200)["type"] == "COMPLETED", services.prefect.logs(run)

    def exports() -> dict[str, str]:
        asked = {"deployments": {"name": {"any_": ["export"]}}}
        found = services.prefect.request("POST", "/flow_runs/filter", asked)
        return {one["parameters"]["model"]: one["id"] for one in found}

    # of the first champion there was none before it, and it is exported too
    started = wait_until(lambda: exports() if len(exports()) == 2 else {}, 60, "an export of each champion")
    assert sorted(started) == ["demo/1", "demo/2"]
    for model, run in started.items():
        assert services.prefect.wait_for(run, timeout_s=200)["type"] == "COMPLETED", services.prefect.logs(run)
        nothing = f"the recipe of {model} names no formats"
        wait_until(lambda run=run, said=nothing: said in str(services.prefect.logs(run)), 30, "the run's last line")


def test_run_without_heartbeat_is_marked_crashed_and_told(services: LocalServices, hook: Webhook):
    zombies = automation(services, "zombies")
    assert zombies["trigger"]["within"] == 90.0
    # the same automation with less patience
    hasty = {name: zombies[name] for name in ("name", "description", "enabled", "actions")}
    hasty["trigger"] = zombies["trigger"] | {"within": 10}
    services.prefect.request("PUT", f"/automations/{zombies['id']}", hasty)
    run = services.prefect.start_run("held/held")
    services.prefect.wait_for(run, "RUNNING")
    # a run that was killed before its first heartbeat is not watched
    heartbeat = {"event": {"name": ["prefect.flow-run.heartbeat"]}, "resource": {"id": [f"prefect.flow-run.{run}"]}}
    beats = {"filter": heartbeat}
    wait_until(lambda: services.prefect.request("POST", "/events/filter", beats)["events"], 60, "a heartbeat")
    for process in services.running():
        if process.pid not in (services.pids()["s3"], services.pids()["prefect"]):
            os.kill(process.pid, signal.SIGKILL)
    try:
        crashed = services.prefect.wait_for(run, "CRASHED", timeout_s=60)
        assert crashed["message"].startswith("No heartbeat for 90 s")
        wait_until(lambda: hook.about(run), 30, "a notification")
    finally:
        services.up()
    assert automation(services, "zombies")["trigger"]["within"] == 90.0


def test_promotion_from_the_page_moves_the_champion_and_is_told(services: LocalServices, hook: Webhook, tmp_path: Path):
    store = Store(StoreConfig(url=str(tmp_path / "store"), cache_dir=tmp_path / "cache"))
    registry = ModelRegistry(store)
    registry.register(content("a", name="told"), who="a run")
    run = services.prefect.start_run(
        "promote/promote", {"STILLHOUSE_STORE": store.config.url}, model="told/1", who="Ada", why="asked for"
    )
    assert services.prefect.wait_for(run)["type"] == "COMPLETED", services.prefect.logs(run)
    (move,) = registry.history("told")
    assert (move.alias, move.target, move.who, move.why) == ("champion", 1, "Ada", "asked for")
    (told,) = wait_until(lambda: hook.about("told/1"), 30, "a notification")
    assert told["subject"] == "Stillhouse: told/1 is champion"
    assert told["text"] == "before: none\nby Ada: asked for"

    registry.register(content("b", name="told"), who="a run")
    promote = [sys.executable, "-m", "deployments.cli", "models", "promote", "told/2", "--who", "Bob"]
    done = services.shell("env", f"STILLHOUSE_STORE={store.config.url}", *promote)
    assert done.returncode == 0, done.stderr
    (told,) = wait_until(lambda: hook.about("told/2"), 30, "a notification of the command")
    assert told["text"] == "before: told/1\nby Bob: by hand"
