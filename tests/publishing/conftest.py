from pathlib import Path

import pytest

from stillhouse.artifacts.fingerprint import fingerprint
from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.registry.registry import ModelRegistry
from stillhouse.registry.version import ModelVersion
from tests.support.published import CARD, WEIGHTS
from tests.support.registry import content


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(StoreConfig(url=str(tmp_path / "store"), cache_dir=tmp_path / "cache"))


@pytest.fixture
def version(store: Store) -> ModelVersion:
    """A champion whose folder holds more than may leave the store."""
    key = fingerprint("train", 1, {}, {})
    with store.workspace("train", 1, key, {}, {}) as work:
        (work.folder / "model.safetensors").write_bytes(WEIGHTS)
        for name in ("config.json", "tokenizer.json", "history.jsonl", "rows.parquet", "pytorch_model.bin", "evil.py"):
            (work.folder / name).write_text(f"{name} here")
        work.commit({}, {})
    registry = ModelRegistry(store)
    cards = {"model_card.md": CARD, "data_card.md": "# data\n"}
    made = registry.register(content(student=ArtifactRef(stage="train", fingerprint=key), cards=cards), who="a run")
    registry.promote("demo", made.version, who="gate", why="passed")
    return made
