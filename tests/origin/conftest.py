import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.origin.keys import PublicKey, load_private_key, load_public_key
from stillhouse.origin.sign import sign_version
from stillhouse.registry.version import ModelVersion
from tests.support.origin import ORIGIN, Keys, registered, write_keys


class Made(NamedTuple):
    """A store with a version, made once: to be copied."""

    store: Path
    version: ModelVersion
    signatures: Path  # of the version, by the tests' key


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    private, public = write_keys(tmp_path_factory.mktemp("keys"))
    return Keys(load_private_key(private), load_public_key(public))


@pytest.fixture(scope="session")
def other_key(tmp_path_factory: pytest.TempPathFactory) -> PublicKey:
    return load_public_key(write_keys(tmp_path_factory.mktemp("keys"))[1])


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, keys: Keys) -> Made:
    folder = tmp_path_factory.mktemp("made")
    store = Store(StoreConfig(url=str(folder / "store"), cache_dir=folder / "cache"))
    version = registered(store)
    unsigned = shutil.copytree(folder / "store", folder / "unsigned")
    assert not sign_version(store, version, keys.private).findings
    return Made(unsigned, version, folder / "store" / ORIGIN)


@pytest.fixture
def store(made: Made, tmp_path: Path) -> Store:
    """A store with a version that is not signed."""
    shutil.copytree(made.store, tmp_path / "store")
    return Store(StoreConfig(url=str(tmp_path / "store"), cache_dir=tmp_path / "cache"))


@pytest.fixture
def version(made: Made) -> ModelVersion:
    return made.version


@pytest.fixture
def sign(made: Made, store: Store) -> Callable[[], object]:
    """What puts the signatures of the tests' key into the store."""
    return lambda: shutil.copytree(made.signatures, Path(store.config.url) / ORIGIN, dirs_exist_ok=True)
