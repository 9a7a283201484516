"""Looks at the files of a model's folder before work starts: whether weights are weights and JSON is JSON."""

import json
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


def check_model_files(folder: Path) -> None:
    """Refuse a folder with a file that is not what its name says.

    Raises:
        ModelError: a file of weights is a Git LFS pointer, a web page, empty or cut off, one that the index names is
            not there, or a configuration file is no JSON object. It names the file.
    """
    for name in _TEXT_FILES:
        if (folder / name).is_file():
            _read_object(folder / name)
    for path in sorted(folder.glob("*.safetensors")):
        _check_weights(path)
    if (folder / _INDEX).is_file():
        named = _read_object(folder / _INDEX).get("weight_map") or {}
        if missing := sorted({shard for shard in named.values() if not (folder / shard).is_file()}):
            raise ModelError(
                f"{folder / _INDEX} names files of weights that are not there: {', '.join(missing[:3])} "
                f"({len(missing)} in all). Fetch the whole folder."
            )


def _check_weights(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(512)
        if kind := _other_kind(start):
            raise ModelError(f"{path} holds no weights: {kind}")
        length = int.from_bytes(start[:8], "little")
        if length > size - 8:
            raise _cut_off(path, size)
        file.seek(8)
        header = _parsed(file.read(length))
    if header is None:
        raise ModelError(f"{path} holds no weights in the safetensors format. Fetch it again.")
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    if 8 + length + max(ends, default=0) > size:
        raise _cut_off(path, size)


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
