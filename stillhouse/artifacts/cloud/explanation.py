"""Says of a failure at Google or Azure why it failed and which setting to fix; loaded for such stores alone.

obstore's errors have no code: a status is looked for in the message, and nothing else of it is repeated.
"""

import re

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from stillhouse.artifacts.cloud.client import ENDPOINTS
from stillhouse.artifacts.config import StoreConfig

# what the client raises, beside what a disk raises
FAILURES: tuple[type[Exception], ...] = (BaseError,)
_STATUS = re.compile(r"status code: (\d{3})\b")
_PASSING_STATUS = (408, 429, 500, 502, 503, 504)
_NO_ANSWER = re.compile(r"HTTP error|error sending request|timed out", re.IGNORECASE)
_KEYS = {
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run where a service account is attached",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_KEY, or run with an "
    "identity that may use the account",
}
_NAMES = {"gs": "Google Cloud Storage", "az": "Azure Blob Storage"}
_NO_KEYS = re.compile(r"token request|credential|account must be specified", re.IGNORECASE)


def is_passing_cloud(error: BaseException) -> bool:
    """Return whether the same request may succeed later: no answer, a server error, or throttling."""
    if isinstance(error, PermissionDeniedError | UnauthenticatedError | FileNotFoundError) or _lacks_keys(error):
        return False
    status = _status(error)
    return status in _PASSING_STATUS if status else bool(_NO_ANSWER.search(_line(error)))


def explain_cloud(config: StoreConfig, error: Exception) -> str:
    """Return what failed, why, and which setting to fix."""
    name, keys, status = _NAMES[config.scheme], _KEYS[config.scheme], _status(error)
    code = f"HTTP {status}" if status else type(error).__name__
    if isinstance(error, UnauthenticatedError) or (status == 401):
        return f"{name} refused the keys [{code}]; {keys}"
    if _lacks_keys(error):
        return f"no usable keys for {name} were found [{code}]; {keys}"
    if isinstance(error, PermissionDeniedError) or status == 403:
        return f"these keys may not do that in `{config.bucket}` [{code}]; grant it, or {keys}"
    if isinstance(error, FileNotFoundError):
        return f"it is not there, or there is no `{config.bucket}`; create it, or fix STILLHOUSE_STORE"
    if is_passing_cloud(error):
        return (
            f"{name} does not answer, or has trouble of its own [{code}]; try again, or fix {ENDPOINTS[config.scheme]}"
        )
    return f"{name} refused the request [{code}]; fix STILLHOUSE_STORE"


def _status(error: BaseException) -> int | None:
    found = _STATUS.search(_line(error))
    return int(found[1]) if found else None


def _lacks_keys(error: BaseException) -> bool:
    return bool(_NO_KEYS.search(_line(error)))


def _line(error: BaseException) -> str:
    """Return what obstore says itself: what a server answered is in the lines after it."""
    return str(error).partition("\n")[0]
