import itertools
from pathlib import Path

import pytest

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.registry.registry import ModelRegistry


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(StoreConfig(url=str(tmp_path / "store"), cache_dir=tmp_path / "cache"))


@pytest.fixture
def registry(store: Store) -> ModelRegistry:
    minutes = itertools.count()
    return ModelRegistry(store, clock=lambda: f"2026-11-28T10:{next(minutes):02d}:00+00:00")
