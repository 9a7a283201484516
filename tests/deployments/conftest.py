from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.deployments.chromium import CHROMIUM
from tests.support.deployments.failing import FailingPipeline
from tests.support.infra.services import LocalServices
from tests.support.pipeline import MODEL


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServices]:
    """The services of `make up`, for all tests that run deployments."""
    with LocalServices(tmp_path_factory.mktemp("services")) as up:
        yield up


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory, services: LocalServices) -> FailingPipeline:
    """A small recipe that a worker has run once, so that a test waits for what it changes alone."""
    if not MODEL.exists():
        pytest.skip("the demo's teacher is not there; run `make model`")
    made = FailingPipeline(tmp_path_factory.mktemp("built"))
    made.write(evaluation={"no_teacher_alternatives": False})
    run = services.prefect.start_run("distill/distill", made.flow_environment, recipe=str(made.folder / "recipe.yaml"))
    assert services.prefect.wait_for(run, timeout_s=1000)["type"] == "COMPLETED", services.prefect.logs(run)
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # as root, in a container, Chromium has no sandbox to put its pages into
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
