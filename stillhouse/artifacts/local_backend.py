"""A store's bytes in a local folder: every write is a temporary file beside its target, synced, then renamed."""

import contextlib
import os
import shutil
import uuid
from pathlib import Path
from typing import BinaryIO

from stillhouse.artifacts.backend import Stamp
from stillhouse.artifacts.locked_swap import swap_under

_UNFINISHED = ".stillhouse-"  # starts the name of an unfinished write


class Folder:
    """The local backend."""

    def __init__(self, root: Path):
        self._root = root
        self.scratch_root = root / ".scratch"  # on the store's own disk, so that a commit is a rename

    def read(self, key: str) -> bytes | None:
        """Return the bytes of `key`, or None if it is not there."""
        try:
            return (self._root / key).read_bytes()
        except FileNotFoundError:
            return None

    def exists(self, key: str) -> bool:
        """Return whether there is a file at `key`."""
        return (self._root / key).is_file()

    def open(self, key: str) -> BinaryIO:
        """Return `key` opened for reading, seekable."""
        return open(self._root / key, "rb")

    def write(self, key: str, data: bytes) -> None:
        """Put `data` at `key` at once: a reader sees the old bytes or all of the new ones."""
        target = self._root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f"{_UNFINISHED}{uuid.uuid4().hex}"
        try:
            temporary.write_bytes(data)
            _sync(temporary)
            os.replace(temporary, target)
            _sync(target.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def versioned(self, key: str) -> tuple[bytes, str] | None:
        """Return the bytes of `key` and their version; None if it is not there."""
        try:
            # by one descriptor: a rename between stat and read would give another file's bytes
            with open(self._root / key, "rb") as stream:
                return stream.read(), _version(os.fstat(stream.fileno()))
        except FileNotFoundError:
            return None

    def swap(self, key: str, data: bytes, version: str | None) -> bool:
        """Put `data` at `key` if its version is still `version`; return whether it is put."""
        # a lock of the kernel; NFS 4 and its kin hand it on to the server, so it excludes other machines
        return swap_under(self._root / ".locks" / key, self, key, data, version)

    @property
    def excludes_others(self) -> bool:
        """Return True: who shares a folder shares its locks."""
        return True

    def download(self, key: str, local: Path) -> None:
        """Copy `key` to a local file."""
        shutil.copyfile(self._root / key, local)

    def publish(self, folder: Path, files: list[str], key: str) -> None:
        """Move a scratch folder to `key`, its files on the disk first."""
        for name in files:
            _sync(folder / name)
        target = self._root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(folder, target)
        _sync(target.parent)

    def stamps(self, prefix: str) -> dict[str, Stamp]:
        """Return every file at or below `prefix` with its stamp."""
        stamps = {}
        for folder, _, names in os.walk(self._root / prefix):
            for name in names:
                path = Path(folder, name)
                if not name.startswith(_UNFINISHED):
                    stamps[path.relative_to(self._root).as_posix()] = _stamp(path)
        return stamps

    def delete(self, key: str) -> None:
        """Remove a file, or a folder with all it holds; a missing key is no error."""
        path = self._root / key
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def prune(self, key: str) -> None:
        """Remove the folder `key` if it is there and empty."""
        with contextlib.suppress(OSError):
            (self._root / key).rmdir()

    def local(self, key: str) -> Path:
        """Return the path of `key` on this machine."""
        return self._root / key


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return Stamp(status.st_size, _version(status), status.st_mtime)


def _version(status: os.stat_result) -> str:
    return f"{status.st_ino}-{status.st_mtime_ns}-{status.st_ctime_ns}"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
