import pytest

from tests.support.pipeline import Pipeline


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A small pipeline on a folder store, run once without a fault."""
    pipeline = Pipeline(tmp_path_factory.mktemp("whole"))
    pipeline.write()
    pipeline.run()
    return pipeline
