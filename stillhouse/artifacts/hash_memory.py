"""Remembers the SHA-256 of large files on this machine, so that weights are not read anew in each process."""

import hashlib
import json
import os
import time
import uuid
from pathlib import Path

from stillhouse.artifacts.fingerprint import sha256_file

_LARGE_BYTES = 2**20  # a smaller file is hashed at once
# of a file that changed so short a time ago another change might show the same time: it is not remembered yet
_SETTLED_S = 2.0
# then it is hashed anew: a disk may go bad without changing any time
_TRUSTED_S = 30 * 24 * 3600.0


class HashMemory:
    """Hashes by path, with size, times, inode and device as they were; one small note a file."""

    def __init__(self, folder: Path) -> None:
        """Keep the notes in `folder`, which may be deleted at any time."""
        self._folder = folder

    def sha256(self, path: Path) -> str:
        """Return the SHA-256 (hex) of a file's bytes; a large file that has not changed since is not read again.

        Raises:
            OSError: the file can't be read. Notes that can't be kept are left out.
        """
        seen = _state(path)
        if seen[0] < _LARGE_BYTES:
            return sha256_file(path)
        note = self._folder / f"{hashlib.sha256(os.fsencode(path.absolute())).hexdigest()}.json"
        if (known := _noted(note, seen)) is not None:
            return known
        began = time.time()
        found = sha256_file(path)
        changed = max(seen[1], seen[2]) / 1e9
        if began - changed > _SETTLED_S:
            self._keep(note, {"path": str(path.absolute()), "state": seen, "sha256": found})
        return found

    def _keep(self, note: Path, content: dict[str, object]) -> None:
        temporary = note.with_suffix(f".{uuid.uuid4().hex}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for old in self._folder.iterdir():
                if _age_s(old) > _TRUSTED_S:
                    old.unlink(missing_ok=True)
            temporary.write_text(json.dumps(content))
            temporary.replace(note)
        except OSError:
            return  # it costs time, never a run


def _state(path: Path) -> list[int]:
    status = path.stat()
    # ctime: a copy that brings the old modification time along has another one
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev]


def _noted(note: Path, state: list[int]) -> str | None:
    try:
        if _age_s(note) > _TRUSTED_S:
            return None
        content = json.loads(note.read_text())
    except (OSError, ValueError):  # a damaged note costs time, never a run
        return None
    is_known = isinstance(content, dict) and content.get("state") == state
    return str(content["sha256"]) if is_known and "sha256" in content else None


def _age_s(path: Path) -> float:
    return time.time() - path.stat().st_mtime
