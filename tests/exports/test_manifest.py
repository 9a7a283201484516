from pathlib import Path

import pytest

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.errors import ModelError
from stillhouse.exports.manifest import MANIFEST, Manifest, changed_files, list_files, read_manifest, write_manifest
from stillhouse.exports.runtime import differ_at_once, load_runtime
from stillhouse.exports.tokenizer_files import copy_tokenizer


def made(folder: Path, **changes: str) -> Manifest:
    (folder / "inner").mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    (folder / "inner" / "tokenizer.json").write_text("{}")
    fields = {"format": "safetensors", "precision": "as_trained", "kind": "causal_lm", **changes}
    student = ArtifactRef(stage="train", fingerprint="1" * 64)
    return Manifest(**fields, student=student, tools={}, files=list_files(folder), weights=("model.bin",))


def test_manifest_is_read_as_written_and_counts_bytes(tmp_path: Path):
    manifest = made(tmp_path)
    write_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path) == manifest
    assert (manifest.size_bytes, manifest.weight_bytes) == (9, 7)
    assert changed_files(tmp_path, manifest) == []


def test_manifest_names_each_file_that_is_not_as_it_was(tmp_path: Path):
    manifest = made(tmp_path)
    write_manifest(tmp_path, manifest)
    (tmp_path / "model.bin").write_bytes(b"weightS")
    (tmp_path / "inner" / "tokenizer.json").unlink()
    (tmp_path / "new.txt").touch()
    assert changed_files(tmp_path, manifest) == [
        "inner/tokenizer.json is missing",
        "model.bin was changed",
        "new.txt was added",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "is no export"), ("{", "is damaged"), ('{"format": 3}', "is damaged")],
)
def test_manifest_that_can_not_be_read_is_one_line(tmp_path: Path, content: str | None, said: str):
    if content is not None:
        (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(ModelError, match=said) as raised:
        read_manifest(tmp_path)
    assert "\n" not in str(raised.value)


def test_manifest_of_a_later_format_names_those_that_are_known(tmp_path: Path):
    write_manifest(tmp_path, made(tmp_path, format="mystery"))
    with pytest.raises(ModelError, match=r"mystery; known here are .*safetensors"):
        read_manifest(tmp_path)


def test_runtime_of_an_encoder_is_refused(tmp_path: Path):
    write_manifest(tmp_path, made(tmp_path, kind="encoder"))
    with pytest.raises(ModelError, match="an export of kind encoder, and not of kind causal_lm"):
        load_runtime(tmp_path, 1)


def test_choices_differ_at_once_if_no_two_begin_alike():
    assert differ_at_once([[1, 2], [2, 2]])
    assert not differ_at_once([[1, 2], [1, 3]])


def test_tokenizer_files_of_an_export_are_all_that_the_student_has(tmp_path: Path):
    student, out = tmp_path / "student", tmp_path / "out"
    names = ("tokenizer.json", "vocab.txt", "spiece.model", "additional_chat_templates/tool_use.jinja", "config.json")
    for name in (*names, "history.jsonl"):
        (student / name).parent.mkdir(parents=True, exist_ok=True)
        (student / name).write_text(name)
    out.mkdir()
    copy_tokenizer(student, out)
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} == set(names)
