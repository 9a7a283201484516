"""`stillhouse models sign` and `verify` in this process: what a user sees, and where the key does not go."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deployments.cli import app
from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.store import Store
from stillhouse.errors import OriginError
from stillhouse.registry.version import ModelVersion
from tests.support.aged_store import grow_older
from tests.support.origin import PASSWORD, flip, registered, stage, stored, write_keys


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("STILLHOUSE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("STILLHOUSE_WORK", str(tmp_path / "work"))
    return Store(StoreConfig(url=str(tmp_path / "store"), cache_dir=tmp_path / "work/cache"))


@pytest.fixture
def version(store: Store) -> ModelVersion:
    return registered(store)


def models(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["models", *map(str, arguments)])


def test_models_sign_and_verify_by_options_in_store_and_folder(
    store: Store, version: ModelVersion, tmp_path: Path
) -> None:
    private, public = write_keys(tmp_path)
    assert "Unsigned: nothing proves who made it." in models("verify", "demo/1").stdout
    assert "demo/1: signed by key " in models("sign", "demo/1", "--key", private).stdout
    assert "which is the one given" in models("verify", "demo/1", "--key", public).stdout
    folder = tmp_path / "pulled"
    assert models("pull", "demo/1", folder).exit_code == 0
    assert "not checked: --key FILE" in models("verify", folder).stdout
    assert "which is the one given" in models("verify", folder, "--key", public).stdout
    flip(folder / "model.safetensors")
    found = models("verify", folder, "--key", public)
    assert (found.exit_code, found.stdout) == (1, "")
    assert "model.safetensors\n  expected: SHA-256 " in found.stderr
    assert "demo/1: not as its statement says, in 1 places." in found.stderr


def test_models_verify_finds_all_of_a_version_after_a_clean_up_that_keeps_no_run(
    store: Store, version: ModelVersion
) -> None:
    stage(store, "read", {"source": "6" * 64}, {}, {"rows.jsonl": "nobody's"})
    grow_older(store, "", 400)
    assert "Deleted" in CliRunner().invoke(app, ["store", "gc", "--delete", "--keep-runs", "0", "--completions"]).stdout
    assert "as its statement says" in models("verify", "demo/1").stdout


def test_models_sign_of_a_damaged_version_signs_nothing(store: Store, version: ModelVersion, tmp_path: Path) -> None:
    flip(stored(store, version.student, "model.safetensors"))
    done = models("sign", "demo/1", "--key", write_keys(tmp_path)[0])
    assert (done.exit_code, "not signed" in done.stderr) == (1, True)
    assert not store.list("models/demo/versions/1/origin")[1:]


def test_models_sign_key_and_password_come_from_the_environment_and_are_stored_nowhere(
    store: Store,
    version: ModelVersion,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(0)
    private, public = write_keys(tmp_path, password=PASSWORD)
    monkeypatch.setenv("STILLHOUSE_SIGNING_KEY", str(private))
    assert isinstance(models("sign", "demo/1").exception, OriginError)
    monkeypatch.setenv("STILLHOUSE_SIGNING_KEY_PASSWORD", PASSWORD)
    said = models("sign", "demo/1").output
    monkeypatch.setenv("STILLHOUSE_VERIFY_KEY", str(public))
    said += models("verify", "demo/1").output
    assert "which is the one given" in said
    body = private.read_text().split("\n")[1]
    for text in (said, caplog.text, *(path.read_text() for path in (tmp_path / "store").rglob("*") if path.is_file())):
        assert PASSWORD not in text
        assert body not in text
        assert "PRIVATE" not in text
