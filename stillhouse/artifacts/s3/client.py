"""The S3 client: s3fs with a time limit on every call and one retry policy for all of them.

botocore and s3fs each retry by count, on top of each other and without a common end. Here both try once, and one policy
retries by time.
"""

import asyncio
import contextlib
from typing import Any

import s3fs
from aiobotocore.session import AioSession
from aiohttp import ClientError as HttpError
from botocore.exceptions import BotoCoreError
from botocore.handlers import add_expect_header
from fsspec.spec import AbstractBufferedFile

from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.s3.multipart import MIB, SMALLEST_PART
from stillhouse.artifacts.s3.retry import Patience

# get_object: its body can fail after the call, so the reader retries both together. abort_multipart_upload: it ends an
# upload that has used up the patience
_TRIED_ONCE = ("get_object", "abort_multipart_upload")


class PatientS3(s3fs.S3FileSystem):  # type: ignore[misc]  # s3fs has no types
    """S3 whose requests end in bounded time and are retried within the given patience."""

    patience: Patience
    timeout_s: float

    async def _call_s3(self, method: str, *arguments: Any, **options: Any) -> Any:
        async def call() -> Any:
            # no timeout of the HTTP client covers a server that stops reading an upload: a MiB may take one timeout
            bound_s = self.timeout_s * (2 + len(options.get("Body") or b"") / MIB)
            return await asyncio.wait_for(super(PatientS3, self)._call_s3(method, *arguments, **options), bound_s)

        return await (call() if method in _TRIED_ONCE else self.patience(call))

    async def _cat_file(self, path: str, **options: Any) -> Any:
        async def read() -> Any:
            # one request: of several, a failed part would not be retried by itself
            return await super(PatientS3, self)._cat_file(path, max_concurrency=1, **options)

        return await self.patience(read)

    async def _abort_mpu(self, bucket: str, key: str, mpu: str) -> None:
        # the upload's own error matters more than a failed clean-up
        with contextlib.suppress(OSError, BotoCoreError, HttpError):
            await super()._abort_mpu(bucket, key, mpu)


class RangedFile(AbstractBufferedFile):  # type: ignore[misc]  # fsspec has no types
    """An object opened for reading; s3fs's own file would not retry a range within our patience."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        return bytes(self.fs.cat_file(self.path, start=start, end=end))


def connect(config: StoreConfig) -> PatientS3:
    """Return a client of the store's server; nothing is sent yet."""
    session = AioSession()
    # a server that never answers "100 Continue" would hold an upload for ever: no timeout covers that wait
    session.unregister("before-call.s3", add_expect_header)
    encryption = {"ServerSideEncryption": config.server_side_encryption, "SSEKMSKeyId": config.kms_key_id}
    client = PatientS3(
        session=session,
        endpoint_url=config.endpoint_url,
        config_kwargs={
            "connect_timeout": min(config.timeout_s, 10.0),
            "read_timeout": config.timeout_s,
            "retries": {"mode": "standard", "total_max_attempts": 1},
        },
        s3_additional_kwargs={name: value for name, value in encryption.items() if value},
        default_block_size=SMALLEST_PART,
        max_concurrency=4,
        use_listings_cache=False,  # other processes write too
        skip_instance_cache=True,
    )
    client.retries = 1
    client.timeout_s = config.timeout_s
    client.patience = Patience(config.patience_s, f"the S3 server {config.server}")
    return client
