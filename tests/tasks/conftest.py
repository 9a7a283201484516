import pytest

from stillhouse.runtime.settings import Settings, load_settings


@pytest.fixture
def settings() -> Settings:
    """The settings of the test's own places."""
    return load_settings()
