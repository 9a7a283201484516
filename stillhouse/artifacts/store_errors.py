"""Turns errors of disk and S3 into messages that name the setting to fix.

Of what a server or library says, only error types and codes are repeated: no secret can slip into a message.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeGuard

from aiohttp import ClientError as HttpError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
)

from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.s3.errors import (
    error_code,
    has_no_code,
    is_missing_bucket,
    is_passing,
    is_silent,
    speaks_no_s3,
)
from stillhouse.errors import StoreError, StoreUnavailable

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NETWORK_DISK = (errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY)  # these can pass by themselves
_KEYS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN if you use it)"
_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
_OTHER_REGION = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")


@contextmanager
def store_errors(config: StoreConfig, action: str, what: str, size_bytes: int | None = None) -> Iterator[None]:
    """Turn any failure of disk or S3 inside the block into a StoreError.

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
    except (OSError, BotoCoreError, ClientError, HttpError, RecursionError) as error:
        if _is_local(error, config):
            kind = StoreUnavailable if error.errno in _NETWORK_DISK else StoreError
            raise kind(f"{failed}: {_explain_disk(config, error)}") from error
        kind = StoreUnavailable if is_passing(error) else StoreError
        raise kind(f"{failed}: {_explain_s3(config, error)}") from error


def is_disk_full(error: OSError) -> bool:
    """Return whether a write failed for want of space or quota."""
    return error.errno in _DISK_FULL


def _is_local(error: Exception, config: StoreConfig) -> TypeGuard[OSError]:
    """Return whether a disk of this machine failed: the store's own, or that of the local copies."""
    if not isinstance(error, OSError) or isinstance(error, HttpError):
        return False
    return not config.is_remote or error.filename is not None or is_disk_full(error)


def _explain_disk(config: StoreConfig, error: OSError) -> str:
    if is_disk_full(error):
        return f"the disk is full [{errno.errorcode[error.errno or 0]}]; free space or move STILLHOUSE_STORE"
    reason = f"{error.strerror or type(error).__name__} at {error.filename or config.url}"
    if isinstance(error, PermissionError):
        return f"{reason}; give this user the right to write there, or move STILLHOUSE_STORE"
    return f"{reason}; check that STILLHOUSE_STORE names a folder that can be written"


def _explain_s3(config: StoreConfig, error: Exception) -> str:
    code = error_code(error) or type(error).__name__
    if isinstance(error, _CREDENTIALS):
        return f"no usable S3 keys were found; {_KEYS}"
    if isinstance(error, SSLError):
        return f"no safe connection to the S3 server {config.server} [{code}]; fix AWS_ENDPOINT_URL or AWS_CA_BUNDLE"
    if is_silent(error):
        return f"the S3 server {config.server} does not answer; start it, or fix AWS_ENDPOINT_URL [{code}]"
    if speaks_no_s3(error):
        return f"what answers at {config.server} is no S3 server [{code}]; fix AWS_ENDPOINT_URL"
    if is_passing(error):
        other = ", or fix AWS_ENDPOINT_URL if that is no S3 server" if has_no_code(error) else ""
        return f"the S3 server {config.server} has trouble of its own [{code}]; look into its log{other}"
    return _explain_refusal(config, error, code)


def _explain_refusal(config: StoreConfig, error: Exception, code: str) -> str:
    if is_missing_bucket(error):
        return f"there is no bucket `{config.bucket}`; create it, or fix STILLHOUSE_STORE"
    if code in _OTHER_REGION:
        return f"bucket `{config.bucket}` lies in another region [{code}]; set AWS_DEFAULT_REGION to it"
    if isinstance(error, PermissionError) and code == "AccessDenied":
        return f"these keys may not do that in bucket `{config.bucket}`; grant it, or {_KEYS}"
    if isinstance(error, PermissionError):
        return f"S3 refused the keys [{code}]; {_KEYS}"
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    return f"S3 refused the request [{code}]; look into its log, or fix STILLHOUSE_STORE"
