"""Looks at the files of a model's folder before work starts: whether weights are weights and JSON is JSON."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stillhouse.errors import ModelError

_POINTER = b"version https://git-lfs"
# not `<` alone, which is the first byte of weights with a header of 60 bytes
_PAGES = (b"<!doctype", b"<html", b"<?xml")
_TEXT_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
_INDEX = "model.safetensors.index.json"
_LAYER = re.compile(r"(.*?\b(?:layers|blocks|h))\.(\d+)\.")  # where a tensor's name says of which layer it is


def check_model_files(folder: Path) -> None:
    """Refuse a folder with a file that is not what its name says.

    Raises:
        ModelError: a file of weights is a Git LFS pointer, a web page, empty or cut off, one that the index names is
            not there, or a configuration file is no JSON object. It names the file.
    """
    for name in _TEXT_FILES:
        if (folder / name).is_file():
            _read_object(folder / name)
    shards = sorted(folder.glob("*.safetensors"))
    for path in shards:
        _check_weights(path)
    if shards and not any(_tensors(folder)):
        raise ModelError(f"The *.safetensors of {folder} hold no weights at all. Fetch them again.")
    if (folder / _INDEX).is_file():
        named = _read_object(folder / _INDEX).get("weight_map") or {}
        if missing := sorted({shard for shard in named.values() if not (folder / shard).is_file()}):
            raise ModelError(
                f"{folder / _INDEX} names files of weights that are not there: {', '.join(missing[:3])} "
                f"({len(missing)} in all). Fetch the whole folder."
            )


def check_layers_present(folder: Path, config: Any) -> None:
    """Refuse weights that lack layers of the configuration: they would be made of random numbers, without a word.

    Names of tensors that say nothing of layers are left to whoever loads them.

    Raises:
        ModelError: the message has the layers that are there and those that are to be.
    """
    found: dict[str, set[int]] = defaultdict(set)
    for name in _tensors(folder):
        if match := _LAYER.match(name):
            found[match[1]].add(int(match[2]))
    wanted = set(range(getattr(config.get_text_config(), "num_hidden_layers", None) or 0))
    # those of a vision tower stand beside those of the language model
    if lacking := min((sorted(wanted - layers) for layers in found.values()), key=len, default=[]):
        raise ModelError(
            f"The weights in {folder} lack {len(lacking)} of the {len(wanted)} layers that config.json names, first "
            f"{lacking[0]}: a file is missing, or they belong to another configuration. Fetch the whole folder."
        )


def _tensors(folder: Path) -> Iterator[str]:
    """Yield the names of the tensors in all files of weights."""
    for path in sorted(folder.glob("*.safetensors")):
        yield from (name for name in _header(path, path.stat().st_size) or {} if name != "__metadata__")


def _check_weights(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        if kind := _other_kind(file.read(512)):
            raise ModelError(f"{path} holds no weights: {kind}")
    header = _header(path, size)
    if header is None:
        raise ModelError(f"{path} holds no weights in the safetensors format. Fetch it again.")
    length = _header_bytes(path)
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    if 8 + length + max(ends, default=0) > size:
        raise _cut_off(path, size)


def _header_bytes(path: Path) -> int:
    with path.open("rb") as file:
        return int.from_bytes(file.read(8), "little")


def _header(path: Path, size: int) -> dict[str, Any] | None:
    """Return what a file of weights says of its tensors; None if it is not in the safetensors format.

    Raises:
        ModelError: the file ends within it.
    """
    length = _header_bytes(path)
    if length > size - 8:
        raise _cut_off(path, size)
    with path.open("rb") as file:
        file.seek(8)
        return _parsed(file.read(length))


def _other_kind(start: bytes) -> str:
    """Return what a file is by its first bytes, with what to do; empty if it may be weights."""
    if not start.strip():
        return "it is empty. Fetch it again."
    if start.startswith(_POINTER):
        return "it is a Git LFS pointer, which stands for the file. Run `git lfs pull` in the model's folder."
    if start.lstrip().lower().startswith(_PAGES):
        return "it is a web page, perhaps of a login. Fetch it again, with access to the model."
    return ""


def _cut_off(path: Path, size: int) -> ModelError:
    return ModelError(f"{path} is cut off: it ends after {size:,} bytes, before its last weights. Fetch it again.")


def _read_object(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    found = _parsed(content)
    if found is None:
        kind = _other_kind(content[:512]) or "mend it, or fetch it again."
        raise ModelError(f"{path} is no JSON object: {kind}")
    return found


def _parsed(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except ValueError:  # also of bytes that are no UTF-8
        return None
    return found if isinstance(found, dict) else None
