"""Verification of a pulled folder, without the store: each alteration is found and named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stillhouse.artifacts.store import Store
from stillhouse.errors import OriginError
from stillhouse.origin.keys import PublicKey
from stillhouse.origin.model_signature import model_fault
from stillhouse.origin.verify_folder import verify_folder
from stillhouse.registry.version import ModelVersion
from tests.support.origin import Keys, edit, flip, pull

SCORE = "report.json: models.student.quality.accuracy.value"


@pytest.fixture
def folder(store: Store, version: ModelVersion, sign: Callable[[], object], tmp_path: Path) -> Path:
    """A signed student, pulled from a store that is gone since."""
    sign()
    found = pull(store, version, tmp_path / "pulled")
    shutil.rmtree(store.config.url)
    return found


def wheres(folder: Path, public: PublicKey | None = None) -> list[str]:
    return [one.where for one in verify_folder(folder, public).findings]


def test_verify_folder_that_is_whole_finds_nothing_with_and_without_the_key(folder: Path, keys: Keys) -> None:
    done = verify_folder(folder, keys.public)
    assert (done.model, done.findings, done.is_signature_checked) == ("demo/1", (), True)
    assert done.checked.startswith("student with 2 files, 6 stages")
    assert verify_folder(folder)[:2] == ("demo/1", ())


def test_verify_folder_of_an_export_is_known_by_its_files(
    store: Store, version: ModelVersion, keys: Keys, sign: Callable[[], object], tmp_path: Path
) -> None:
    sign()
    exported = pull(store, version, tmp_path / "pulled", "onnx-int8")
    done = verify_folder(exported, keys.public)
    assert (done.findings, done.checked[:9]) == ((), "onnx-int8")
    flip(exported / "model.onnx")
    assert wheres(exported) == ["model.onnx"]


def test_verify_folder_unsigned_is_checked_and_says_so(store: Store, version: ModelVersion, tmp_path: Path) -> None:
    pulled = pull(store, version, tmp_path / "pulled")
    done = verify_folder(pulled)
    assert (done.findings, done.signed_by, done.is_signature_checked) == ((), (), False)
    flip(pulled / "model.safetensors")
    assert wheres(pulled) == ["model.safetensors"]


def rename_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "tokenizer" / "model.safetensors")


def link_weights(folder: Path) -> None:
    shutil.move(folder / "model.safetensors", folder.parent / "elsewhere")
    (folder / "model.safetensors").symlink_to(folder.parent / "elsewhere")


ALTERATIONS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "a flipped bit": (lambda folder: flip(folder / "model.safetensors"), ["model.safetensors"]),
    "a flipped bit below": (lambda folder: flip(folder / "tokenizer/vocab.txt"), ["tokenizer/vocab.txt"]),
    "a missing file": (lambda folder: (folder / "tokenizer/vocab.txt").unlink(), ["tokenizer/vocab.txt"]),
    "an additional file": (lambda folder: (folder / "modeling.py").write_text("evil"), ["modeling.py"]),
    "a hidden file": (lambda folder: (folder / ".gitattributes").write_text(""), [".gitattributes"]),
    "a moved file": (rename_weights, ["model.safetensors", "tokenizer/model.safetensors"]),
    "a link": (link_weights, ["model.safetensors"]),
    "a file in origin": (lambda folder: (folder / "origin/run.py").write_text(""), ["origin/run.py"]),
    "no report": (lambda folder: (folder / "origin/report.json").unlink(), ["report.json"]),
    "another recipe": (
        lambda folder: (folder / "origin/recipe.yaml").write_text("{name: demo, filters: {min_words: 2}, training: 1}"),
        ["recipe.yaml: training.betas", "recipe.yaml: training.epochs", "recipe.yaml: training"],
    ),
    "no recipe in it": (lambda folder: (folder / "origin/recipe.yaml").write_text("[]"), ["recipe.yaml"]),
    "a changed score": (
        lambda folder: edit(
            folder / "origin/report.json", lambda body: body["models"]["student"]["quality"]["accuracy"].update(value=1)
        ),
        [SCORE],
    ),
    "a changed version": (
        lambda folder: edit(folder / "origin/version.json", lambda body: body.update(version=2)),
        ["version.json: version"],
    ),
    "settings of a server": (
        lambda folder: (folder / "origin/serving.json").write_text('{"threshold": 0}'),
        ["origin/serving.json"],
    ),
    "no model signature": (lambda folder: (folder / "origin/model.sig").unlink(), ["origin/model.sig"]),
    "no envelope": (lambda folder: (folder / "origin/statement.dsse.json").unlink(), ["statement.dsse.json"]),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_verify_folder_each_alteration_is_named(folder: Path, keys: Keys, name: str) -> None:
    alter, named = ALTERATIONS[name]
    alter(folder)
    assert wheres(folder, keys.public) == named


def test_verify_folder_with_another_key_is_found(folder: Path, other_key: PublicKey) -> None:
    assert wheres(folder, other_key) == ["statement.dsse.json"]


def test_verify_folder_forged_by_whoever_has_another_key_is_found(
    folder: Path, store: Store, keys: Keys, other_key: PublicKey, tmp_path: Path
) -> None:
    # all is consistent but the key: statement, envelope and signature of the forger's own model
    (folder / "origin/statement.dsse.json").unlink()
    edit(folder / "origin/statement.json", lambda body: body["predicate"].update(code={"commit": None, "versions": {}}))
    assert wheres(folder) == []
    assert wheres(folder, keys.public) == ["statement.dsse.json"]


def test_verify_model_signature_alone_is_one_that_model_signing_takes_and_refuses(
    folder: Path, keys: Keys, other_key: PublicKey
) -> None:
    signature = (folder / "origin/model.sig").read_bytes()
    assert model_fault(folder, signature, keys.public) is None
    assert "Key mismatch" in str(model_fault(folder, signature, other_key))
    for name in ("more.txt", ".gitattributes"):
        (folder / name).write_text("x")
        assert name in str(model_fault(folder, signature, keys.public))
        (folder / name).unlink()
    body = json.loads(signature)
    body["dsseEnvelope"]["signatures"][0]["sig"] = "AAAA"
    for broken in (json.dumps(body), "{}", "no json", json.dumps({**body, "verificationMaterial": {}})):
        assert model_fault(folder, broken.encode(), keys.public)


def test_verify_folder_that_was_not_pulled_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        OriginError, match=r"no origin/statement.json: it must be a folder that `stillhouse models pull`"
    ):
        verify_folder(tmp_path)
