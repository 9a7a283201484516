"""A store's bytes under an S3 prefix, through s3fs; an object appears when its upload is complete, never before."""

import asyncio
import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import s3fs
from aiobotocore.session import AioSession
from botocore.exceptions import FlexibleChecksumError
from botocore.handlers import add_expect_header

from tasks.artifacts.backend import Stamp
from tasks.artifacts.config import StoreConfig
from tasks.artifacts.store_errors import is_missing_bucket
from tasks.recipe.errors import ArtifactCorrupt

_PART_BYTES = 8 * 2**20
_MAX_PARTS = 10_000  # S3's limit for one upload
_CALL_TIMEOUTS = 20  # with the default of 30 s, ten minutes for 8 MiB and all its retries: 14 kB/s at least
_WHOLE_BYTES = 16 * 2**20  # up to here one GET is cheaper than several ranges


class _BoundedS3(s3fs.S3FileSystem):  # type: ignore[misc]  # s3fs has no types
    """S3 with a bound on every call: no timeout of the HTTP client covers a server that stops reading an upload."""

    call_seconds: float

    async def _call_s3(self, *arguments: Any, **options: Any) -> Any:
        return await asyncio.wait_for(super()._call_s3(*arguments, **options), self.call_seconds)


class Bucket:
    """The S3 backend."""

    def __init__(self, config: StoreConfig):
        self._prefix = config.url.removeprefix("s3://").rstrip("/")
        self.scratch_root = config.cache_dir.expanduser().absolute() / "scratch"
        encryption = config.server_side_encryption
        session = AioSession()
        # a server that never answers "100 Continue" would hold an upload for ever: no timeout covers that wait
        session.unregister("before-call.s3", add_expect_header)
        self._fs = _BoundedS3(
            session=session,
            endpoint_url=config.endpoint_url,
            config_kwargs={
                "connect_timeout": min(config.timeout_s, 10.0),
                "read_timeout": config.timeout_s,
                "retries": {"mode": "standard", "total_max_attempts": 3},
            },
            s3_additional_kwargs={"ServerSideEncryption": encryption} if encryption else {},
            default_block_size=_PART_BYTES,
            max_concurrency=4,
            use_listings_cache=False,  # other processes write too
            skip_instance_cache=True,
        )
        self._fs.call_seconds = _CALL_TIMEOUTS * config.timeout_s
        self._fs.retries = 2  # s3fs tries again on top of botocore; five times three would be minutes of silence

    def read(self, key: str) -> bytes | None:
        """Return the bytes of `key`, or None where it is not there."""
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
        if self._fs.size(self._path(key)) <= _WHOLE_BYTES:
            with _checksum_errors(key):
                return io.BytesIO(self._fs.cat_file(self._path(key)))
        return cast(BinaryIO, self._fs.open(self._path(key), "rb"))

    def write(self, key: str, data: bytes) -> None:
        """Put `data` at `key`."""
        self._fs.pipe_file(self._path(key), data, chunksize=_PART_BYTES)

    def upload(self, local: Path, key: str) -> None:
        """Copy a local file to `key`, in parts where it is large."""
        part = max(_PART_BYTES, math.ceil(local.stat().st_size / _MAX_PARTS))
        self._fs.put_file(str(local), self._path(key), chunksize=part)

    def download(self, key: str, local: Path) -> None:
        """Copy `key` to a local file."""
        with _checksum_errors(key):
            self._fs.get_file(self._path(key), str(local))

    def publish(self, folder: Path, files: list[str], key: str) -> None:
        """Upload the files of a scratch folder below `key`."""
        for name in files:
            self.upload(folder / name, f"{key}/{name}")

    def stamps(self, prefix: str) -> dict[str, Stamp]:
        """Return every object below `prefix` with its size and ETag."""
        found = self._fs.find(self._path(prefix) + "/", detail=True)
        start = len(self._prefix) + 1
        return {path[start:]: Stamp(int(info["size"]), str(info.get("ETag"))) for path, info in found.items()}

    def delete(self, key: str) -> None:
        """Remove `key` and all objects below it; nothing there is fine."""
        for path in self._fs.find(self._path(key)):
            self._fs.rm_file(path)

    def local(self, key: str) -> None:
        """Return None: objects do not lie on this machine."""
        return None

    def _path(self, key: str) -> str:
        return f"{self._prefix}/{key}" if key else self._prefix


@contextmanager
def _checksum_errors(key: str) -> Iterator[None]:
    try:
        yield
    except FlexibleChecksumError as error:
        raise ArtifactCorrupt(f"{key} is not what was stored: S3 keeps another checksum of it; rebuild it") from error
