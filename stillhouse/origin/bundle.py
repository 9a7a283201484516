"""Brings a version's statement, signature and documents along into a folder that is pulled."""

from pathlib import Path

from stillhouse.artifacts.store import Store
from stillhouse.origin.layout import ENVELOPE, MODEL_SIGNATURE, ORIGIN, STATEMENT, documents_of, home_of, signature_of
from stillhouse.registry.version import ModelVersion


def copy_origin(store: Store, version: ModelVersion, model: str, folder: Path) -> None:
    """Write into `folder`/origin all that `stillhouse models verify` checks the model's files in `folder` with.

    `model` is `student` or an export's key. A version without a statement brings its documents alone.

    Raises:
        StoreError: the store can't be read.
        OSError: the folder can't be written.
    """
    home = home_of(version.name, version.version)
    sources = {
        **documents_of(version.name, version.version, version.run_id),
        STATEMENT: f"{home}/{STATEMENT}",
        MODEL_SIGNATURE: f"{home}/{signature_of(model)}",
        ENVELOPE: f"{home}/{ENVELOPE}",
    }
    target = folder / ORIGIN
    target.mkdir(exist_ok=True)
    for name, key in sources.items():
        if found := store.versioned(key):
            (target / name).write_bytes(found[0])
        else:
            # of an earlier pull
            (target / name).unlink(missing_ok=True)
