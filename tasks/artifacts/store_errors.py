"""The one edge where errors of disk and S3 become messages that name the setting to mend.

Separate because both backends speak through it, and because here nothing a server or a library says is repeated:
only error types and codes are, so that no key can slip into a message.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import ClientError as HttpClientError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

from tasks.artifacts.config import StoreConfig
from tasks.recipe.errors import StoreError

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_KEYS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN where it is used)"
_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
# TimeoutError is fsspec's own and asyncio's; ConnectionError (built in) is what a dying socket raises
_NO_ANSWER = (ConnectionError, HTTPClientError, HttpClientError, TimeoutError, ConnectionResetError, BrokenPipeError)


@contextmanager
def store_errors(config: StoreConfig, action: str, what: str, size_bytes: int | None = None) -> Iterator[None]:
    """Turn any failure of disk or S3 inside the block into a StoreError.

    Args:
        config: the store spoken to.
        action: a verb, as `write`.
        what: the key or path acted on.
        size_bytes: how much was to be written, where that is known.

    Raises:
        StoreError: one message: what failed, why, and which setting to mend.
    """
    amount = f" ({size_bytes:,} bytes)" if size_bytes is not None else ""
    failed = f"could not {action} {what}{amount} in {config.url}"
    try:
        yield
    except _CREDENTIALS as error:
        raise StoreError(f"{failed}: no usable S3 keys were found; {_KEYS}") from error
    except _NO_ANSWER as error:
        raise StoreError(f"{failed}: {_no_answer(config)} [{type(error).__name__}]") from error
    except (ClientError, BotoCoreError) as error:
        raise StoreError(f"{failed}: S3 refused the request [{error_code(error) or type(error).__name__}]") from error
    except OSError as error:
        raise StoreError(f"{failed}: {_explain(config, error)}") from error


def is_disk_full(error: OSError) -> bool:
    """Return whether a write failed for want of space or quota."""
    return error.errno in _DISK_FULL


def is_missing_bucket(error: BaseException) -> bool:
    """Return whether S3 said that the bucket itself is not there, rather than a key in it."""
    return error_code(error) == "NoSuchBucket"


def error_code(error: BaseException | None) -> str | None:
    """Return the code of the S3 answer behind an error, or None where none is behind it."""
    while error is not None:
        if isinstance(error, ClientError):
            return str(error.response.get("Error", {}).get("Code", ""))
        error = error.__cause__
    return None


def _no_answer(config: StoreConfig) -> str:
    where = config.endpoint_url or os.environ.get("AWS_ENDPOINT_URL") or "AWS (AWS_ENDPOINT_URL is not set)"
    return f"the S3 server {where} does not answer; start it, or mend AWS_ENDPOINT_URL"


def _explain(config: StoreConfig, error: OSError) -> str:
    if is_disk_full(error):
        return f"the disk is full [{errno.errorcode[error.errno or 0]}]; free space or move STILLHOUSE_STORE"
    if config.is_remote and error.filename is None:
        return _explain_s3(config, error)
    reason = f"{error.strerror or type(error).__name__} at {error.filename or config.url}"
    if isinstance(error, PermissionError):
        return f"{reason}; give this user the right to write there, or move STILLHOUSE_STORE"
    return f"{reason}; check that STILLHOUSE_STORE names a folder that can be written"


def _explain_s3(config: StoreConfig, error: OSError) -> str:
    code = error_code(error)
    if is_missing_bucket(error):
        return f"there is no bucket `{config.bucket}`; create it, or mend STILLHOUSE_STORE"
    if isinstance(error, PermissionError) and code == "AccessDenied":
        return f"these keys may not do that in bucket `{config.bucket}`; grant it, or {_KEYS}"
    if isinstance(error, PermissionError):
        return f"S3 refused the keys [{code}]; {_KEYS}"
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    return f"S3 answered with an error [{code or type(error).__name__}]; try again, or look into the server's log"
