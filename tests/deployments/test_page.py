"""Prefect's page as a person uses it: a real browser against the real server."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from flows.distill import distill
from tests.support.deployments.chromium import PICTURES, needs_chromium
from tests.support.infra.services import LocalServices
from tests.support.pipeline import MODEL, Pipeline

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1500),
    needs_chromium,
]


@pytest.fixture
def page(browser: Browser, services: LocalServices) -> Iterator[Page]:
    """Prefect's page, logged in."""
    user, _, password = services.login.partition(":")
    context = browser.new_context(
        viewport={"width": 1280, "height": 1000}, http_credentials={"username": user, "password": password}
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(services.url)
    page.get_by_placeholder("admin:pass").fill(services.login)
    page.get_by_role("button", name="Login").click()
    page.wait_for_url("**/dashboard**")
    yield page
    context.close()


def open_form(page: Page, services: LocalServices) -> None:
    found = services.prefect.request("GET", "/deployments/name/distill/distill")
    page.goto(f"{services.url}/v2/deployments/deployment/{found['id']}/run")
    page.get_by_label("recipe").wait_for()


def submit(page: Page) -> str:
    """Press `Submit` and return the new run's id."""
    with page.expect_response(lambda answer: answer.url.endswith("/create_flow_run")) as answer:
        page.get_by_role("button", name="Submit").click()
    run: dict[str, Any] = answer.value.json()
    return str(run["id"])


def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def test_form_shows_every_field_with_its_description_and_choices(page: Page, services: LocalServices) -> None:
    open_form(page, services)

    for name, field in distill.parameters.properties.items():
        expect(
            page.get_by_label(f"{name} (Optional)", exact=True).or_(page.get_by_text(f"{name} (Optional)"))
        ).not_to_have_count(0)
        expect(page.get_by_text(" ".join(field["description"].split()))).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 1500})
    picture(page, "form")
    page.get_by_label("Select size").click()
    expect(page.get_by_role("option")).to_have_text(["full", "trial", "smoke"])


def test_form_number_out_of_bounds_is_refused_before_a_run_is_made(page: Page, services: LocalServices) -> None:
    open_form(page, services)
    page.get_by_label("max_train_rows").fill("-5")

    page.get_by_role("button", name="Submit").click()

    complaint = page.get_by_label("max_train_rows").evaluate("field => field.validationMessage")
    assert "0" in complaint
    assert page.url.endswith("/run")


def test_run_with_a_misspelt_recipe_says_so_on_its_page_at_once(page: Page, services: LocalServices) -> None:
    open_form(page, services)
    page.get_by_label("recipe").fill("dmeo")
    run = submit(page)

    assert services.prefect.wait_for(run, timeout_s=90)["type"] == "FAILED"
    page.goto(f"{services.url}/v2/runs/flow-run/{run}")

    expect(page.get_by_text("Did you mean 'demo'?").first).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)


@pytest.mark.skipif(not MODEL.exists(), reason="the demo's teacher is not there; run `make model`")
def test_run_from_the_form_finishes_on_s3_and_its_report_opens(
    page: Page, services: LocalServices, tmp_path: Path
) -> None:
    mine = Pipeline(tmp_path / "mine")
    recipe = mine.write(evaluation={"no_teacher_alternatives": False})
    open_form(page, services)
    page.get_by_label("recipe").fill(str(recipe))
    run = submit(page)
    page.goto("about:blank")  # a page that shows a run keeps a core busy, which the run needs
    services.prefect.wait_for_task(run, "train", 400)
    page.goto(f"{services.url}/v2/runs/flow-run/{run}")
    page.get_by_role("tab", name="Artifacts").click()
    picture(page, "running")
    page.goto("about:blank")

    assert services.prefect.wait_for(run, timeout_s=600)["type"] == "COMPLETED", services.prefect.logs(run)

    page.goto(f"{services.url}/v2/runs/flow-run/{run}")
    expect(page.get_by_text("Completed").first).to_be_visible()
    picture(page, "finished")
    page.get_by_role("tab", name="Artifacts").click()
    # the card of the artifact, and the link in it
    page.get_by_role("link", name=re.compile(r"\breport\b")).last.click()
    page.get_by_role("link", name="report.html").first.click()
    page.wait_for_url("**/report.html")
    expect(page.locator("body")).to_contain_text("accuracy")
    picture(page, "report")

    # again from the form: one stage alone
    open_form(page, services)
    page.get_by_label("recipe").fill(str(recipe))
    page.get_by_label("Select refresh").click()
    page.get_by_role("option", name="balance").click()
    page.keyboard.press("Escape")
    again = submit(page)
    assert services.prefect.wait_for(again, timeout_s=120)["type"] == "COMPLETED", services.prefect.logs(again)
    built = {task["name"] for task in services.prefect.tasks(again) if task["state_name"] == "Completed"}
    assert built == {"balance", "report"}
