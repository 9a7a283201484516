"""Checks that an artifact's stored files are those its record lists; a file is hashed again only if it changed."""

import hashlib

from stillhouse.artifacts.backend import Backend, Stamp
from stillhouse.artifacts.hash_memory import HashMemory
from stillhouse.artifacts.record import FileEntry, Record
from stillhouse.errors import ArtifactCorrupt

# larger remote files are hashed when they are fetched; before that only their size is checked
REMOTE_HASH_BYTES = 64 * 2**20


class Verifier:
    """Checks files against records: each version of a file once a process."""

    def __init__(self, backend: Backend, hashes: HashMemory):
        self._backend = backend
        self._hashes = hashes
        self._sound: set[tuple[str, Stamp, str]] = set()

    def fault(self, record: Record, files_key: str) -> str | None:
        """Return what is wrong with the files below `files_key`, or None if they match the record.

        Raises:
            OSError: (and botocore's errors) the store can't be read.
        """
        stamps = self._backend.stamps(files_key) if record.files else {}
        for entry in record.files:
            key = f"{files_key}/{entry.path}"
            stamp = stamps.get(key)
            if stamp is None:
                return f"`{entry.path}` is missing"
            if stamp.size_bytes != entry.bytes:
                return f"`{entry.path}` has {stamp.size_bytes:,} bytes, its record says {entry.bytes:,}"
            if not self._is_sound(key, stamp, entry):
                return f"`{entry.path}` does not have the SHA-256 its record says"
        return None

    def trust(self, record: Record, files_key: str) -> None:
        """Remember the files below `files_key` as the record's: they were just hashed under another name."""
        stamps = self._backend.stamps(files_key) if record.files else {}
        for entry in record.files:
            key = f"{files_key}/{entry.path}"
            self._sound.add((key, stamps[key], entry.sha256))

    def _is_sound(self, key: str, stamp: Stamp, entry: FileEntry) -> bool:
        path = self._backend.local(key)
        if path is None and entry.bytes > REMOTE_HASH_BYTES:
            return True
        seen = (key, stamp, entry.sha256)
        if seen in self._sound:
            return True
        if (self._hashes.sha256(path) if path else self._remote_sha256(key)) != entry.sha256:
            return False
        self._sound.add(seen)
        return True

    def _remote_sha256(self, key: str) -> str:
        # gone between listing and reading: no SHA-256 is the empty text, so it counts as altered
        try:
            data = self._backend.read(key)
        except ArtifactCorrupt:
            return ""
        return "" if data is None else hashlib.sha256(data).hexdigest()
