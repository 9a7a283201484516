"""Plain files of the store by key: runs/<run id>/..., completions/..., work/<fingerprint>/..."""

import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from stillhouse.artifacts.backend import Backend, Stamp
from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.local_backend import Folder
from stillhouse.artifacts.store_errors import store_errors
from stillhouse.errors import StoreError


class FileStore:
    """Files by key; keys are relative, with `/` between; every write is seen whole or not at all."""

    def __init__(self, config: StoreConfig):
        self.config = config
        self._backend = open_backend(config)

    def put_text(self, key: str, text: str) -> None:
        """Write UTF-8 text to `key`.

        Raises:
            StoreError: it can't be written; `key` keeps what it had.
        """
        self.put_bytes(key, text.encode())

    def put_bytes(self, key: str, data: bytes) -> None:
        """Write bytes to `key`.

        Raises:
            StoreError: they can't be written; `key` keeps what it had.
        """
        with store_errors(self.config, "write", checked_key(key), len(data)):
            self._backend.write(key, data)

    def read_text(self, key: str) -> str:
        """Return the UTF-8 text at `key`.

        Raises:
            StoreError: it is not there or can't be read.
        """
        with store_errors(self.config, "read", checked_key(key)):
            data = self._backend.read(key)
        if data is None:
            raise StoreError(f"there is no {key} in {self.config.url}")
        return data.decode()

    def versioned(self, key: str) -> tuple[bytes, str] | None:
        """Return the bytes of `key` and their version, which `swap` takes; None if it is not there.

        Raises:
            StoreError: the store can't be read.
        """
        with store_errors(self.config, "read", checked_key(key)):
            return self._backend.versioned(key)

    def swap(self, key: str, data: bytes, version: str | None) -> bool:
        """Put `data` at `key` if its version is still `version` (None: it is not there); return whether it is put.

        Of writers at once that know the same version one succeeds: of this machine's, and of all if `excludes_others`.
        `data` is to differ from all that was ever there.

        Raises:
            StoreError: the store can't be written.
        """
        with store_errors(self.config, "write", checked_key(key), len(data)):
            return self._backend.swap(key, data, version)

    @property
    def excludes_others(self) -> bool:
        """Whether `swap` excludes other machines, too; servers without conditional writes don't.

        Raises:
            StoreError: the store can't be asked.
        """
        with store_errors(self.config, "write", "probe"):
            return self._backend.excludes_others

    @contextmanager
    def reading(self, key: str) -> Iterator[BinaryIO]:
        """Yield the file at `key` opened for reading, seekable.

        Raises:
            StoreError: it is not there or can't be read.
        """
        with store_errors(self.config, "read", checked_key(key)), self._backend.open(key) as stream:
            yield stream

    def exists(self, key: str) -> bool:
        """Return whether there is a file at `key`.

        Raises:
            StoreError: the store can't be read.
        """
        with store_errors(self.config, "look up", checked_key(key)):
            return self._backend.exists(key)

    def list(self, prefix: str) -> builtins.list[str]:
        """Return the keys of all files below the folder `prefix`, sorted; an empty list if there is no such folder.

        Raises:
            StoreError: the store can't be read.
        """
        return sorted(self.stamps(prefix))

    def stamps(self, prefix: str) -> dict[str, Stamp]:
        """Return size and time of each file below the folder `prefix`, by key; nothing if there is no such folder.

        Raises:
            StoreError: the store can't be read.
        """
        with store_errors(self.config, "list", checked_key(prefix)):
            return self._backend.stamps(prefix.rstrip("/"))

    def prune(self, key: str) -> None:
        """Remove the folder `key` if it holds nothing."""
        self._backend.prune(checked_key(key))

    def delete(self, key: str) -> None:
        """Remove the file at `key`, or everything below it; a missing key is no error.

        Raises:
            StoreError: the store can't be written.
        """
        with store_errors(self.config, "delete", checked_key(key)):
            self._backend.delete(key.rstrip("/"))


def open_backend(config: StoreConfig) -> Backend:
    """Return the backend for a store's address.

    Raises:
        StoreError: the variables that name an account at Google or Azure can't be used.
    """
    # imported here: S3's client takes a third of a second to load, which a folder need not wait for
    if config.scheme == "s3":
        from stillhouse.artifacts.s3.backend import Bucket

        return Bucket(config)
    if config.is_remote:
        from stillhouse.artifacts.cloud.backend import Container

        with store_errors(config, "open", "the store"):
            return Container(config)
    return Folder(Path(config.url.removeprefix("file://")).expanduser().absolute())


def checked_key(key: str) -> str:
    """Return `key`.

    Raises:
        ValueError: it is empty or leads out of the store.
    """
    path = PurePosixPath(key)
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise ValueError(f"`{key}` is no key: a key is relative to the store and stays inside it")
    return key
