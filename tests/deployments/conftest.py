from collections.abc import Iterator

import pytest

from tests.support.deployments.failing import FailingPipeline
from tests.support.deployments.platform import Platform
from tests.support.pipeline import MODEL


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The services of `make up`, for all tests that run deployments."""
    with Platform(tmp_path_factory.mktemp("platform")) as up:
        yield up


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> FailingPipeline:
    """A small recipe that a worker has run once, so that a test waits for what it changes alone."""
    if not MODEL.exists():
        pytest.skip("the demo's teacher is not there; run `make model`")
    made = FailingPipeline(tmp_path_factory.mktemp("built"))
    made.write(evaluation={"no_teacher_alternatives": False})
    run = platform.start({"recipe": str(made.folder / "recipe.yaml")}, **made.flow_environment)
    assert platform.wait(run, 1000)["type"] == "COMPLETED", platform.logs(run)
    return made
