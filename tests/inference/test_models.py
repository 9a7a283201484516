import hashlib
from pathlib import Path

import pytest

from stillhouse.artifacts.hash_memory import HashMemory
from stillhouse.config import identity
from stillhouse.errors import ModelError
from stillhouse.inference.models import identify


@pytest.fixture
def cache(tmp_path: Path) -> HashMemory:
    return HashMemory(tmp_path / "cache" / "hashes")


def folder(path: Path, weights: bytes = b"weights") -> Path:
    path.mkdir()
    (path / "config.json").write_text("{}")
    (path / "tokenizer.json").write_text("{}")
    (path / "README.md").write_text("a card")
    (path / "model.safetensors").write_bytes(weights)
    return path


def test_identify_folder_names_its_files_with_their_sha256(tmp_path, cache):
    found = identify(str(folder(tmp_path / "tiny")), "", cache)
    assert (found.kind, found.name, found.path) == ("folder", "tiny", str(tmp_path / "tiny"))
    assert set(found.files) == {"config.json", "tokenizer.json", "model.safetensors"}
    assert found.files["model.safetensors"] == hashlib.sha256(b"weights").hexdigest()


def test_identify_content_decides_and_not_the_path(tmp_path, cache):
    one, other = folder(tmp_path / "one"), folder(tmp_path / "other")
    (other / "README.md").write_text("another card")
    assert identity(identify(str(one), "", cache)) == identity(identify(str(other), "", cache))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_identify_changed_byte_changes_the_identity(tmp_path, cache, name):
    path = folder(tmp_path / "tiny")
    before = identity(identify(str(path), "", cache))
    (path / name).write_bytes((path / name).read_bytes() + b" ")
    assert identity(identify(str(path), "", cache)) != before


def test_identify_added_shard_or_template_changes_the_identity(tmp_path, cache):
    path = folder(tmp_path / "tiny")
    before = identity(identify(str(path), "", cache))
    (path / "chat_template.jinja").write_text("{{ messages }}")
    assert identity(identify(str(path), "", cache)) != before


@pytest.mark.parametrize("name", ["quantize_config.json", "hf_quant_config.json"])
def test_identify_how_weights_are_quantised_counts(tmp_path, cache, name):
    path = folder(tmp_path / "tiny")
    before = identity(identify(str(path), "", cache))
    (path / name).write_text("{}")
    assert identity(identify(str(path), "", cache)) != before


@pytest.mark.parametrize("name", ["adapter_config.json", "additional_chat_templates/tool_use.jinja"])
def test_identify_adapters_and_further_templates_count(tmp_path, cache, name):
    path = folder(tmp_path / "tiny")
    before = identify(str(path), "", cache)
    (path / name).parent.mkdir(exist_ok=True)
    (path / name).write_text("{}")
    assert set(identify(str(path), "", cache).files) - set(before.files) == {name}


@pytest.mark.parametrize("name", ["params.json", "tekken.json", "tokenizer.model.v3"])
def test_identify_mistrals_own_files_count_where_its_weights_are(tmp_path, cache, name):
    path = folder(tmp_path / "tiny")
    before = identity(identify(str(path), "", cache))
    (path / name).write_text("{}")
    assert identity(identify(str(path), "", cache)) == before
    (path / "consolidated-00001-of-00001.safetensors").write_bytes(b"weights")
    assert name in identify(str(path), "", cache).files


@pytest.mark.parametrize("name", ["tekken.json", "spiece.model", "vocab.txt"])
def test_identify_another_vocabulary_counts_where_it_is_read(tmp_path, cache, name):
    path = folder(tmp_path / "tiny")
    before = identity(identify(str(path), "", cache))
    (path / name).write_text("{}")
    assert identity(identify(str(path), "", cache)) == before
    (path / "tokenizer.json").unlink()
    assert name in identify(str(path), "", cache).files


def test_identify_gguf_file_goes_by_content(tmp_path, cache):
    for name in ("one.gguf", "two.gguf"):
        (tmp_path / name).write_bytes(b"GGUF")
    one, two = (identify(str(tmp_path / name), "", cache) for name in ("one.gguf", "two.gguf"))
    assert (one.kind, one.name) == ("gguf", "one")
    assert identity(one) == identity(two)


def test_identify_hub_name_goes_by_name_and_revision(cache):
    plain, other = identify("owner/name", "", cache), identify("owner/name", "v2", cache)
    assert (plain.kind, plain.revision, plain.hub_name) == ("hub", "main", "owner/name")
    assert identity(plain) != identity(other)
    assert identity(plain) != identity(identify("owner/other", "", cache))


@pytest.mark.parametrize(
    "name", ["./absent", "/absent/model", "~/absent", "absent.gguf", "some/absent/model", "absent"]
)
def test_identify_missing_path_is_refused_and_not_taken_for_a_hub_name(name, cache):
    with pytest.raises(ModelError, match="does not exist"):
        identify(name, "", cache)


def test_identify_pickled_weights_are_refused(tmp_path, cache):
    path = folder(tmp_path / "tiny")
    (path / "model.safetensors").rename(path / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin.*pickled weights are refused"):
        identify(str(path), "", cache)


@pytest.mark.parametrize("name", ["model.bin", "model.safetensors"])
def test_identify_single_file_of_another_kind_is_refused(tmp_path, cache, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelError, match=r"no \.gguf file"):
        identify(str(tmp_path / name), "", cache)


def test_identify_empty_folder_says_nothing_is_there(tmp_path, cache):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="holds nothing"):
        identify(str(tmp_path / "empty"), "", cache)


def test_identify_folder_of_common_files_is_named_as_by_earlier_versions(tmp_path, cache):
    path = folder(tmp_path / "tiny")
    for name in ("generation_config.json", "tokenizer_config.json", "chat_template.jinja", "preprocessor_config.json"):
        (path / name).write_text("{}")
    (path / "model.safetensors.index.json").write_text("{}")
    text, weights = hashlib.sha256(b"{}").hexdigest(), hashlib.sha256(b"weights").hexdigest()
    named = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"]
    files = dict.fromkeys(named, text) | {"model.safetensors": weights}
    assert identity(identify(str(path), "", cache)) == {
        "kind": "folder",
        "revision": "",
        "files": files,
        "hub_name": "",
    }
