"""A store's bytes under an S3 prefix, through s3fs; an object appears when its upload is complete, never before."""

import hashlib
import io
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

from botocore.exceptions import FlexibleChecksumError
from tenacity import Retrying, retry_if_exception, stop_after_attempt

from stillhouse.artifacts.backend import Stamp
from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.locked_swap import swap_under
from stillhouse.artifacts.s3.client import RangedFile, connect
from stillhouse.artifacts.s3.conditional import has_conditional_writes, put_if
from stillhouse.artifacts.s3.errors import is_lost_upload, is_missing_bucket
from stillhouse.artifacts.s3.multipart import SMALLEST_PART, part_bytes, parts_at_once, ranges
from stillhouse.errors import ArtifactCorrupt

_WHOLE_BYTES = 16 * 2**20  # up to here one GET is cheaper than several ranges


class Bucket:
    """The S3 backend."""

    def __init__(self, config: StoreConfig):
        self._prefix = config.url.removeprefix("s3://").rstrip("/")
        own = config.cache_dir.expanduser().absolute()
        self.scratch_root = own / "scratch"
        self._locks = own / "locks"
        self._fs = connect(config)

    def read(self, key: str) -> bytes | None:
        """Return the bytes of `key`, or None if it is not there."""
        try:
            with _checksum_errors(key):
                return cast(bytes, self._fs.cat_file(self._path(key)))
        except FileNotFoundError as error:
            if is_missing_bucket(error):
                raise
            return None

    def exists(self, key: str) -> bool:
        """Return whether there is an object at `key`."""
        try:
            return bool(self._fs.info(self._path(key))["type"] == "file")  # fs.isfile hides every error
        except FileNotFoundError as error:
            if is_missing_bucket(error):
                raise
            return False

    def open(self, key: str) -> BinaryIO:
        """Return `key` opened for reading, seekable; a small object is read at once."""
        path = self._path(key)
        size = self._fs.size(path)
        if size <= _WHOLE_BYTES:
            with _checksum_errors(key):
                return io.BytesIO(self._fs.cat_file(path))
        return cast(BinaryIO, RangedFile(self._fs, path, "rb", block_size=SMALLEST_PART, size=size))

    def write(self, key: str, data: bytes) -> None:
        """Put `data` at `key`."""
        _upload(lambda: self._fs.pipe_file(self._path(key), data, chunksize=part_bytes(len(data))))

    def versioned(self, key: str) -> tuple[bytes, str] | None:
        """Return the bytes of `key` and a version of it; None if it is not there."""
        try:
            # first: the version of bytes that came since would let a change of older ones pass
            version = str(self._fs.info(self._path(key))["ETag"])
        except FileNotFoundError as error:
            if is_missing_bucket(error):
                raise
            return None
        data = self.read(key)
        return None if data is None else (data, version)

    def swap(self, key: str, data: bytes, version: str | None) -> bool:
        """Put `data` at `key` if its version is still `version`; return whether it is put."""
        if self.excludes_others:
            return put_if(self._fs, self._path(key), data, version)
        lock = self._locks / f"{hashlib.sha256(self._path(key).encode()).hexdigest()}.lock"
        return swap_under(lock, self, key, data, version)

    @cached_property
    def excludes_others(self) -> bool:
        """Whether the server keeps to conditional writes: it is asked by writing a tiny object."""
        return has_conditional_writes(self._fs, self._path(f"probe/{uuid.uuid4().hex}"))

    def download(self, key: str, local: Path) -> None:
        """Copy `key` to a local file, in ranges if it is large."""
        path = self._path(key)
        size = self._fs.size(path)
        with _checksum_errors(key), local.open("wb") as stream:
            if size <= SMALLEST_PART:
                stream.write(self._fs.cat_file(path))
                return
            at_once = parts_at_once(part_bytes(size))
            parts = ranges(size)
            for first in range(0, len(parts), at_once):
                starts, ends = zip(*parts[first : first + at_once], strict=True)
                for data in self._fs.cat_ranges([path] * len(starts), starts, ends, on_error="raise"):
                    stream.write(data)

    def publish(self, folder: Path, files: list[str], key: str) -> None:
        """Upload the files of a scratch folder below `key`, large ones in parts."""
        for name in files:
            self._upload_file(folder / name, f"{key}/{name}")

    def stamps(self, prefix: str) -> dict[str, Stamp]:
        """Return every object below `prefix` with its size, ETag and time."""
        objects = self._fs.find(self._path(prefix) + "/", detail=True)
        start = len(self._prefix) + 1
        return {
            path[start:]: Stamp(int(info["size"]), str(info.get("ETag")), info["LastModified"].timestamp())
            for path, info in objects.items()
        }

    def delete(self, key: str) -> None:
        """Remove `key` and all objects below it; a missing key is no error."""
        for path in self._fs.find(self._path(key)):
            self._fs.rm_file(path)

    def prune(self, key: str) -> None:
        """Do nothing: a bucket has no folders."""

    def local(self, key: str) -> None:
        """Return None: objects do not lie on this machine."""
        return None

    def _upload_file(self, local: Path, key: str) -> None:
        part = part_bytes(local.stat().st_size)
        options = {"chunksize": part, "max_concurrency": parts_at_once(part)}
        _upload(lambda: self._fs.put_file(str(local), self._path(key), **options))

    def _path(self, key: str) -> str:
        return f"{self._prefix}/{key}" if key else self._prefix


def _upload(upload: Callable[[], Any]) -> None:
    """Upload; try again if S3 no longer knows the upload: it was completed, and only the response was lost."""
    Retrying(retry=retry_if_exception(is_lost_upload), stop=stop_after_attempt(3), reraise=True)(upload)


@contextmanager
def _checksum_errors(key: str) -> Iterator[None]:
    try:
        yield
    except FlexibleChecksumError as error:
        raise ArtifactCorrupt(f"{key} is not what was stored: S3 keeps another checksum of it; rebuild it") from error
