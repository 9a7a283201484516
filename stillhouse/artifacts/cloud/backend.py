"""A store's bytes at Google Cloud Storage or in Azure Blob Storage, through obstore."""

import contextlib
import hashlib
import io
import json
import uuid
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import ObjectStore

from stillhouse.artifacts.backend import Stamp
from stillhouse.artifacts.cloud.client import connect
from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.locked_swap import swap_under

_MIB = 2**20
_WHOLE_BYTES = 16 * _MIB  # up to here one request is cheaper than several ranges
_PART_BYTES = 8 * _MIB
_MOST_PARTS = 10_000  # of an upload at Google; Azure takes more
_AT_ONCE = 4
_UNMET = (AlreadyExistsError, PreconditionError, FileNotFoundError)


class Container:
    """The backend of a bucket at Google or a container at Azure."""

    def __init__(self, config: StoreConfig):
        own = config.cache_dir.expanduser().absolute()
        self.scratch_root = own / "scratch"
        self._locks = own / "locks"
        self._url = config.url
        self._store = connect(config)

    def read(self, key: str) -> bytes | None:
        """Return the bytes of `key`, or None if it is not there."""
        found = self.versioned(key)
        return found and found[0]

    def exists(self, key: str) -> bool:
        """Return whether there is an object at `key`."""
        try:
            obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        return True

    def open(self, key: str) -> BinaryIO:
        """Return `key` opened for reading, seekable; a small object is read at once."""
        size = obstore.head(self._store, key)["size"]
        if size <= _WHOLE_BYTES:
            return io.BytesIO(obstore.get(self._store, key).bytes())
        return io.BufferedReader(_Ranges(self._store, key, size), _PART_BYTES)

    def write(self, key: str, data: bytes) -> None:
        """Put `data` at `key`."""
        obstore.put(self._store, key, data, **_parts(len(data)))

    def versioned(self, key: str) -> tuple[bytes, str] | None:
        """Return the bytes of `key` and their version, of one answer; None if it is not there."""
        try:
            found = obstore.get(self._store, key)
            return bytes(found.bytes()), _version(found.meta)
        except FileNotFoundError:
            return None

    def swap(self, key: str, data: bytes, version: str | None) -> bool:
        """Put `data` at `key` if its version is still `version`; return whether it is put."""
        if self.excludes_others:
            return self._put_if(key, data, version)
        lock = self._locks / f"{hashlib.sha256(f'{self._url}/{key}'.encode()).hexdigest()}.lock"
        return swap_under(lock, self, key, data, version)

    @cached_property
    def excludes_others(self) -> bool:
        """Whether the server keeps to conditional writes, as Google and Azure do: it is asked by a tiny object."""
        key = f"probe/{uuid.uuid4().hex}"
        first, second, third = (uuid.uuid4().bytes for _ in range(3))
        try:
            if not self._put_if(key, first, None) or self._put_if(key, second, None):
                return False
            known = self.versioned(key)
            return known is not None and self._put_if(key, second, known[1]) and not self._put_if(key, third, known[1])
        finally:
            with contextlib.suppress(obstore.exceptions.BaseError):
                self.delete(key)

    def download(self, key: str, local: Path) -> None:
        """Copy `key` to a local file, in parts as they come."""
        with local.open("wb") as stream:
            for part in obstore.get(self._store, key).stream(_PART_BYTES):
                stream.write(part)

    def publish(self, folder: Path, files: list[str], key: str) -> None:
        """Upload the files of a scratch folder below `key`, large ones in parts."""
        for name in files:
            path = folder / name
            obstore.put(self._store, f"{key}/{name}", path, **_parts(path.stat().st_size))

    def stamps(self, prefix: str) -> dict[str, Stamp]:
        """Return every object below `prefix` with its size, version and time."""
        return {
            meta["path"]: Stamp(meta["size"], _version(meta), meta["last_modified"].timestamp())
            for page in obstore.list(self._store, f"{prefix}/" if prefix else None)
            for meta in page
        }

    def delete(self, key: str) -> None:
        """Remove `key` and all objects below it; a missing key is no error."""
        for each in (key, *self.stamps(key)):
            with contextlib.suppress(FileNotFoundError):
                obstore.delete(self._store, each)

    def prune(self, key: str) -> None:
        """Do nothing: a bucket has no folders."""

    def local(self, key: str) -> None:
        """Return None: objects do not lie on this machine."""
        return None

    def _put_if(self, key: str, data: bytes, version: str | None) -> bool:
        """Put `data` at `key` if its version is `version` (None: there is no object); return whether it is there."""
        mode: Any = "create" if version is None else json.loads(version)
        try:
            obstore.put(self._store, key, data, mode=mode, use_multipart=False)
        except _UNMET:
            # a lost answer is asked for again, and our own object then stands in its way
            return self.read(key) == data
        return True


class _Ranges(io.RawIOBase):
    """An object opened for reading, a range at a time."""

    def __init__(self, store: ObjectStore, key: str, size: int):
        self._store, self._key, self._size = store, key, size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._at + len(buffer), self._size)
        if end <= self._at:
            return 0
        data = obstore.get_range(self._store, self._key, start=self._at, end=end)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _version(meta: Any) -> str:
    """Return what a condition names an object's version by: Azure its ETag, Google its generation."""
    return json.dumps({name: meta[name] for name in ("e_tag", "version") if meta[name] is not None})


def _parts(size_bytes: int) -> dict[str, Any]:
    """Return how so many bytes are uploaded: in parts of 8 MiB, or of more where these would be too many."""
    return {"chunk_size": max(_PART_BYTES, -(-size_bytes // _MOST_PARTS)), "max_concurrency": _AT_ONCE}
