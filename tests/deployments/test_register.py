"""`stillhouse register` against a real server: what is there afterwards, what stays, and what is refused."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deployments.automations import EXPORTS, FAILED, REFUSED, REPLACED, ZOMBIES, register_automations
from deployments.notifications import register_targets
from deployments.register import register
from deployments.ui_settings import keep_choices
from stillhouse.errors import ServiceError
from stillhouse.repository import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_server"), pytest.mark.timeout(300)]

WEBHOOK = "http://127.0.0.1:9/hook/very-secret"


@pytest.fixture
def client() -> Iterator[Any]:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def registered(client) -> None:
    """All that `register` brings; it is there from the first test on, unless a test has deleted it."""
    if {"distill", "nightly", "plan", "promote"} - {one.name for one in client.read_deployments()}:
        register()


def register_notifications(client) -> list[str]:
    """Do what `register` does about notifications, without the seconds that Prefect takes to read its file."""
    return register_automations(client, register_targets(client))


def names_of(client) -> set[str]:
    return {one.name for one in client.read_automations()}


def test_register_deployments_read_back_as_the_file_says(client, registered):
    distill = client.read_deployment_by_name("distill/distill")
    nightly = client.read_deployment_by_name("distill/nightly")
    for one in (distill, nightly):
        assert one.entrypoint == "flows.distill.distill"
        assert (one.work_pool_name, one.work_queue_name) == ("stillhouse", "distill")
        assert one.pull_steps == []
        assert "stillhouse" in one.tags
        assert one.enforce_parameter_schema
        assert "recipe" in one.parameter_openapi_schema["properties"]
        # what the zombies automation counts on
        assert one.job_variables == {"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}}
    plan = client.read_deployment_by_name("plan/plan")
    assert (plan.entrypoint, plan.work_pool_name, plan.schedules) == ("flows.plan.plan", "stillhouse", [])
    assert "recipe" in plan.parameter_openapi_schema["properties"]
    assert distill.schedules == []
    assert distill.parameters == {}
    (schedule,) = nightly.schedules
    assert (schedule.schedule.cron, schedule.schedule.timezone, schedule.active) == ("0 2 * * *", "UTC", False)
    assert nightly.global_concurrency_limit.limit == 1
    assert nightly.concurrency_options.collision_strategy == "ENQUEUE"


def test_register_pool_runs_in_this_checkout_and_its_queue_has_no_limit(client, registered):
    pool = client.read_work_pool("stillhouse")
    assert pool.type == "process"
    assert pool.base_job_template["variables"]["properties"]["working_dir"]["default"] == str(ROOT)
    assert client.read_work_queue_by_name("distill", work_pool_name="stillhouse").concurrency_limit is None


def test_keep_choices_parameters_that_the_flow_refuses_stay_the_files(client, registered):
    nightly = client.read_deployment_by_name("distill/nightly")
    # as of a time before a change of the flow's form
    old = nightly.model_copy(update={"parameters": {"recipe": {"no": "name"}, "gone": 1}})
    (line,) = keep_choices(client, old, nightly)
    assert "nightly" in line
    assert "{'recipe': {'no': 'name'}, 'gone': 1}" in line
    assert client.read_deployment(nightly.id).parameters == {"recipe": "demo"}


def test_register_without_anyone_to_tell_makes_no_automation_that_tells(client, registered):
    assert names_of(client) == {ZOMBIES, EXPORTS}


def test_register_notifications_are_found_by_name_kept_and_removed(client, monkeypatch):
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    monkeypatch.setenv("STILLHOUSE_NOTIFY_WEBHOOK", WEBHOOK)
    lines = register()
    first = {one.name: one.id for one in client.read_automations()}
    assert set(first) == {ZOMBIES, EXPORTS, FAILED, REFUSED, REPLACED}
    assert not [line for line in lines if "very-secret" in line]

    # a shell that does not know the address changes nothing
    monkeypatch.delenv("STILLHOUSE_NOTIFY_WEBHOOK")
    client.pause_automation(first[FAILED])
    register_notifications(client)
    assert {one.name: one.id for one in client.read_automations()} == first
    assert not client.read_automation(first[FAILED]).enabled
    assert CustomWebhookNotificationBlock.load("stillhouse-webhook").secrets.get_secret_value() == {"address": WEBHOOK}

    monkeypatch.setenv("STILLHOUSE_NOTIFY_WEBHOOK", "")
    register_notifications(client)
    assert names_of(client) == {ZOMBIES, EXPORTS}
    with pytest.raises(ValueError, match="Unable to find block"):
        CustomWebhookNotificationBlock.load("stillhouse-webhook")


def test_register_slack_address_is_saved_as_a_secret_of_prefects_block(client, monkeypatch):
    from prefect.blocks.notifications import SlackWebhook

    address = "https://hooks.slack.com/services/T00000000/B00000000/very-secret"
    monkeypatch.setenv("STILLHOUSE_NOTIFY_SLACK", address)
    register_notifications(client)
    assert SlackWebhook.load("stillhouse-slack").url.get_secret_value() == address
    shown = client.read_block_document_by_name("stillhouse-slack", "slack-webhook", include_secrets=False)
    assert "very-secret" not in str(shown.data)
    failed = next(one for one in client.read_automations() if one.name == FAILED)
    assert [action.block_document_id for action in failed.actions] == [shown.id]
    monkeypatch.setenv("STILLHOUSE_NOTIFY_SLACK", "")
    register_notifications(client)


def test_register_second_time_keeps_what_was_set_in_the_ui(client, registered):
    from prefect.client.schemas.actions import DeploymentScheduleCreate, DeploymentUpdate
    from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

    nightly = client.read_deployment_by_name("distill/nightly")
    edited = CronSchedule(cron="30 5 * * 1-5", timezone="Europe/Berlin", day_or=False)
    client.update_deployment_schedule(
        nightly.id, nightly.schedules[0].id, active=True, schedule=edited, parameters={"size": "smoke"}
    )
    client.update_deployment(nightly.id, DeploymentUpdate(parameters={"recipe": "tickets"}, paused=True))
    every_two_days = IntervalSchedule(interval=timedelta(days=2), timezone="Asia/Tokyo")
    for name in ("nightly", "distill"):
        added = DeploymentScheduleCreate(schedule=every_two_days, active=False)
        client.create_deployment_schedules(client.read_deployment_by_name(f"distill/{name}").id, [added])
    queue = client.read_work_queue_by_name("distill", work_pool_name="stillhouse")
    client.update_work_queue(queue.id, concurrency_limit=3)
    try:
        lines = register()
        again = client.read_deployment_by_name("distill/nightly")
        assert again.id == nightly.id
        assert (again.parameters, again.paused) == ({"recipe": "tickets"}, True)
        kept = {one.slug: (one.schedule.model_dump(), one.active, one.parameters) for one in again.schedules}
        assert kept["nightly"] == (edited.model_dump(), True, {"size": "smoke"})
        assert kept[None][0]["interval"] == timedelta(days=2)
        assert kept[None][0]["timezone"] == "Asia/Tokyo"
        distill = client.read_deployment_by_name("distill/distill")
        assert [(one.schedule.interval, one.active) for one in distill.schedules] == [(timedelta(days=2), False)]
        said = "\n".join(lines)
        assert (
            "nightly keeps its schedule nightly (cron 30 5 * * 1-5, timezone Europe/Berlin, day_or False, active)"
            in said
        )
        assert "nightly keeps its parameters {'recipe': 'tickets'}" in said
        assert "nightly stays paused" in said
        assert client.read_work_queue_by_name("distill", work_pool_name="stillhouse").concurrency_limit == 3
    finally:
        for name in ("nightly", "distill"):
            client.delete_deployment(client.read_deployment_by_name(f"distill/{name}").id)
        client.delete_work_queue_by_id(queue.id)


@pytest.mark.parametrize("address", ["hooks.example.com/x", "ftp://example.com", "https://"])
def test_register_address_that_cannot_be_posted_to_is_refused_and_not_repeated(monkeypatch, address):
    monkeypatch.setenv("STILLHOUSE_NOTIFY_WEBHOOK", address)
    with pytest.raises(ServiceError, match="STILLHOUSE_NOTIFY_WEBHOOK is not an address") as caught:
        register()
    assert address not in str(caught.value).replace("https://host/path", "")


def without_server() -> dict[str, str]:
    """Return this environment without the tests' server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_API")}


def refused(**environment: str) -> str:
    """Return the one line of `stillhouse register` in a shell of its own, which must end with exit code 2."""
    # Prefect warns where it is not there
    Path(os.environ["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "deployments.cli", "register"],
        cwd=ROOT,
        env={**without_server(), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    return done.stderr


def test_register_without_a_server_says_how_to_get_one():
    message = refused()
    assert message.startswith("stillhouse: PREFECT_API_URL is not set")
    assert "make up" in message


def test_register_dead_server_names_the_address_and_the_remedy():
    message = refused(PREFECT_API_URL="http://127.0.0.1:9/api")
    assert message.startswith("stillhouse: No Prefect server answers at http://127.0.0.1:9/api (PREFECT_API_URL)")
    assert "make up" in message


def profile_names(address: str) -> None:
    """Have Prefect's profile name a server, as `prefect config set` does."""
    home = Path(os.environ["PREFECT_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    (home / "profiles.toml").write_text(f'active = "team"\n[profiles.team]\nPREFECT_API_URL = "{address}"\n')


def test_register_dead_server_of_the_profile_names_the_profile_and_a_remedy_that_works():
    profile_names("http://127.0.0.1:9/api")
    message = refused()
    assert (
        "No Prefect server answers at http://127.0.0.1:9/api (PREFECT_API_URL of the Prefect profile team;" in message
    )
    command = message.partition("to run without: prefect ")[2].partition(")")[0].split()
    assert command == ["config", "unset", "PREFECT_API_URL", "-y"]
    subprocess.run([sys.executable, "-m", "prefect", *command], env=without_server(), check=True, capture_output=True)
    assert refused().startswith("stillhouse: PREFECT_API_URL is not set")


def test_register_address_that_is_not_the_api_says_so():
    from prefect.settings import PREFECT_API_URL

    message = refused(PREFECT_API_URL=PREFECT_API_URL.value().removesuffix("/api"))
    assert "PREFECT_API_URL must be the address of the API, which ends in /api" in message
