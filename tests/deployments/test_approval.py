"""A run that waits for people, as they see it: a real browser fills the form of a real, suspended run."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.deployments.chromium import PICTURES, needs_chromium
from tests.support.infra.services import LocalServices
from tests.support.paths import ROOT

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),
    needs_chromium,
]


def answer(browser: Browser, services: LocalServices, run: str, decision: str, who: str, why: str) -> None:
    """Log in, open the run's page, fill the form behind Resume, and send it."""
    user, _, password = services.login.partition(":")
    context = browser.new_context(
        viewport={"width": 1280, "height": 1000}, http_credentials={"username": user, "password": password}
    )
    page: Page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(services.url)
    page.get_by_placeholder("admin:pass").fill(services.login)
    page.get_by_role("button", name="Login").click()
    page.wait_for_url("**/dashboard**")
    page.goto(f"{services.url}/v2/runs/flow-run/{run}")
    page.get_by_role("button", name="Open menu").click()
    page.get_by_role("menuitem", name="Resume").click()
    form = page.get_by_role("dialog")
    expect(form).to_contain_text("passed its gate. Shall it become champion")
    expect(form.get_by_role("link", name="The whole report")).to_be_visible()
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / "approval.png")
    form.get_by_label("Select Decision").click()
    page.get_by_role("option", name=decision).click()
    form.get_by_label("Who").fill(who)
    form.get_by_label("Why").fill(why)
    form.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Flow run resumed")).to_be_visible()
    context.close()


def start(services: LocalServices, store: Path, mark: str) -> str:
    """Have the worker end a run whose student passed its gate, and return the run once it waits for people."""
    services.prefect.deploy_like_ours("promoting", "tests.support.infra.promoting.promoting")
    # a store of its own: the services' one has other tests' champions
    run = services.prefect.start_run(
        "promoting/promoting", {"STILLHOUSE_STORE": str(store), "PYTHONPATH": str(ROOT)}, approval="manual", mark=mark
    )
    state = services.prefect.wait_for(run, "PAUSED", "COMPLETED", "FAILED", "CRASHED", timeout_s=200)
    assert state["name"] == "Suspended", services.prefect.logs(run)
    return run


def test_waiting_run_that_is_approved_moves_the_champion_and_a_refused_one_does_not(
    browser: Browser, services: LocalServices, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    first = start(services, store, "a")
    answer(browser, services, first, "approve", "Ada", "it reads angry tickets")
    assert services.prefect.wait_for(first, timeout_s=200)["type"] == "COMPLETED", services.prefect.logs(first)
    second = start(services, store, "b")
    answer(browser, services, second, "refuse", "Bob", "no better")
    assert services.prefect.wait_for(second, timeout_s=200)["type"] == "COMPLETED", services.prefect.logs(second)

    found = json.loads((store / "models" / "demo" / "aliases.json").read_text())
    assert found["aliases"] == {"champion": 1}
    assert [(move["action"], move["to"], move["who"], move["why"]) for move in found["history"]] == [
        ("promote", 1, "Ada", "it reads angry tickets"),
        ("refuse", 2, "Bob", "no better"),
    ]
