"""The commit that a hub's name means in a store: noted at first sight, the same for all runs and machines of the store.

A hub's branch moves. Without a note old answers would count as a new model's, and two machines might load two models.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from pydantic import ValidationError

from stillhouse.artifacts.files import FileStore
from stillhouse.config import StrictModel
from stillhouse.errors import ModelError, StoreError

_FOLDER = "work/models"
# says that the store held answers and students before there were notes: they are named by branch or tag
_EARLIER = f"{_FOLDER}/earlier.json"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_BRANCH = "main"
_TIMEOUT_S = 30.0


class Pin(StrictModel):
    """What a branch or tag of a model means in one store."""

    commit: str
    known_as: str  # what fingerprints call it: the commit, or in an earlier store the branch or tag
    since: str


def pinned_commit(store: FileStore, name: str, revision: str) -> str:
    """Return the commit of a hub's model; a branch or tag is looked up at the hub once for each store.

    Raises:
        ModelError: the hub does not have the model, or can't be asked and nothing of the model is here.
        StoreError: the store can't be read or written, or its note is damaged.
    """
    if _COMMIT.fullmatch(revision):
        return revision
    named = revision or _BRANCH
    key = f"{_FOLDER}/{name}/{quote(named, safe='')}.json"
    if not store.exists(key):
        commit = _look_up(name, named)
        known_as = named if _is_earlier(store) else commit
        pin = Pin(commit=commit, known_as=known_as, since=datetime.now(UTC).isoformat(timespec="seconds"))
        store.put_text(key, pin.model_dump_json(indent=1))
    # read even if it was just written: another machine may have been faster
    return _read(store, key).commit


def known_as(store: FileStore, name: str, commit: str) -> str:
    """Return what fingerprints call a commit of a hub's model in this store.

    Raises:
        StoreError: the store can't be read, or its note is damaged.
    """
    pins = [_read(store, key) for key in store.list(f"{_FOLDER}/{name}")]
    return next((pin.known_as for pin in pins if pin.commit == commit), commit)


def _is_earlier(store: FileStore) -> bool:
    if store.exists(_EARLIER):
        return True
    if store.list(_FOLDER) or not (store.list("completions") or store.list("artifacts")):
        return False
    store.put_text(_EARLIER, "{}")
    return True


def _look_up(name: str, revision: str) -> str:
    """Return the commit by the hub's word; if it can't be asked, that of the last download to this machine."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # the network's, of whatever library

    try:
        commit = str(HfApi().model_info(name, revision=revision, timeout=_TIMEOUT_S).sha)
    except (OSError, ValueError, HTTPError) as error:  # the hub's own errors are OSErrors
        try:
            # its folder is named by the commit
            commit = Path(snapshot_download(name, revision=revision, local_files_only=True)).name
        except (OSError, ValueError):
            raise _unknown(name, revision, " ".join(str(error).split())[:200]) from error
    if not _COMMIT.fullmatch(commit):
        raise _unknown(name, revision, f"it answers {commit!r}")
    return commit


def _unknown(name: str, revision: str, why: str) -> ModelError:
    return ModelError(
        f"Model {name} is no folder here, and the hub does not say which commit its {revision} is: {why}. Check name, "
        "access and network, or name a folder or a commit (revision)."
    )


def _read(store: FileStore, key: str) -> Pin:
    try:
        return Pin.model_validate_json(store.read_text(key))
    except ValidationError:
        raise StoreError(
            f"{key} in the store is damaged: it says which commit of a model was used here. Bring it back, or name the "
            "commit in the recipe (revision) and delete the file."
        ) from None
