"""Turns errors of disk and bucket into messages that name the setting to fix.

Of what a server or library says, only error types and codes are repeated: no secret can slip into a message.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeGuard

from stillhouse.artifacts.config import StoreConfig
from stillhouse.errors import StoreError, StoreUnavailable

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NETWORK_DISK = (errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY)  # these can pass by themselves


@contextmanager
def store_errors(config: StoreConfig, action: str, what: str, size_bytes: int | None = None) -> Iterator[None]:
    """Turn any failure of disk or bucket inside the block into a StoreError.

    Args:
        config: the store.
        action: a verb, such as `write`.
        what: the key or path acted on.
        size_bytes: how much was to be written, if known.

    Raises:
        StoreUnavailable: it may pass by itself; it was retried for as long as the patience setting allows.
        StoreError: one message: what failed, why, and which setting to fix.
    """
    amount = f" ({size_bytes:,} bytes)" if size_bytes is not None else ""
    failed = f"could not {action} {what}{amount} in {config.url}"
    try:
        yield
    except _failures(config) as error:
        if _is_local(error, config):
            kind = StoreUnavailable if error.errno in _NETWORK_DISK else StoreError
            raise kind(f"{failed}: {_explain_disk(config, error)}") from error
        passes, why = _explain_bucket(config, error)
        raise (StoreUnavailable if passes else StoreError)(f"{failed}: {why}") from error


def is_disk_full(error: OSError) -> bool:
    """Return whether a write failed for want of space or quota."""
    return error.errno in _DISK_FULL


def _failures(config: StoreConfig) -> tuple[type[Exception], ...]:
    """Return what access to a store raises."""
    # imported here: S3's client takes a third of a second to load, which a folder need not wait for
    if config.scheme == "s3":
        from stillhouse.artifacts.s3.explanation import FAILURES

        return (OSError, *FAILURES)
    if config.is_remote:
        from stillhouse.artifacts.cloud import explanation

        return (OSError, *explanation.FAILURES)
    return (OSError,)


def _explain_bucket(config: StoreConfig, error: Exception) -> tuple[bool, str]:
    """Return whether a failure of a bucket may pass by itself, and why it failed."""
    if config.scheme == "s3":
        from stillhouse.artifacts.s3.errors import is_passing
        from stillhouse.artifacts.s3.explanation import explain_s3

        return is_passing(error), explain_s3(config, error)
    from stillhouse.artifacts.cloud.explanation import explain_cloud, is_passing_cloud

    return is_passing_cloud(error), explain_cloud(config, error)


def _is_local(error: Exception, config: StoreConfig) -> TypeGuard[OSError]:
    """Return whether a disk of this machine failed: the store's own, or that of the local copies."""
    if not isinstance(error, OSError):
        return False
    if not config.is_remote:
        return True
    is_of_disk = error.filename is not None or is_disk_full(error)
    if config.scheme != "s3":
        return is_of_disk
    from aiohttp import ClientError as HttpError

    return not isinstance(error, HttpError) and is_of_disk


def _explain_disk(config: StoreConfig, error: OSError) -> str:
    if is_disk_full(error):
        return f"the disk is full [{errno.errorcode[error.errno or 0]}]; free space or move STILLHOUSE_STORE"
    reason = f"{error.strerror or type(error).__name__} at {error.filename or config.url}"
    if isinstance(error, PermissionError):
        return f"{reason}; give this user the right to write there, or move STILLHOUSE_STORE"
    return f"{reason}; check that STILLHOUSE_STORE names a folder that can be written"
