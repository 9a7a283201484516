"""Brings the files of a version from the store to a folder."""

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.store import Store
from stillhouse.errors import ModelError, did_you_mean
from stillhouse.registry.version import ModelVersion


def pull(
    store: Store,
    version: ModelVersion,
    folder: Path,
    *,
    export: str = "",
    add: Callable[[Path], None] = lambda _: None,
) -> int:
    """Copy a version's model into `folder`, whole or not at all, and return its size in bytes.

    Args:
        store: of the version.
        version: whose trained folder is copied.
        folder: not there yet, or empty.
        export: the key of an export that is copied in its place, as onnx-int8.
        add: writes into the folder what else belongs there, before it is at its place.

    Raises:
        ModelError: `folder` holds something or can't be written, or there is no such export.
        ArtifactCorrupt: the files are not those that were stored.
        StoreError: the store can't be read.
    """
    ref = _wanted(version, export)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise ModelError(f"{folder} is there and not empty; name a new folder.")
    source = store.fetch(ref)
    # beside it, so that a folder of that name is whole
    unfinished = folder.absolute().parent / f".{folder.name}-{uuid.uuid4().hex[:8]}"
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, unfinished)
        add(unfinished)
        unfinished.replace(folder)
    except OSError as error:
        raise ModelError(f"{folder} can't be written: {error.strerror or error}. Name another folder.") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return store.record(ref).size_bytes


def _wanted(version: ModelVersion, export: str) -> ArtifactRef:
    if not export:
        return version.student
    if export not in version.exports:
        has = ", ".join(version.exports) or "none"
        raise ModelError(
            f"{version.reference} has no export {export!r}; it has {has}.{did_you_mean(export, version.exports)}"
        )
    return version.exports[export]
