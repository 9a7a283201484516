"""A check before any work that the store can be read and written: a wrong setting must show in the first seconds."""

import uuid

from stillhouse.artifacts.backend import Backend
from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.files import open_backend
from stillhouse.artifacts.store_errors import store_errors
from stillhouse.errors import StoreError

_PATIENCE_S = 5.0  # enough for a fault or two; a mistyped address should not cost more


def check_store(config: StoreConfig) -> None:
    """Write, read back and delete a tiny object.

    Raises:
        StoreError: it can't be; the message names the setting to fix.
    """
    backend = open_backend(config.model_copy(update={"patience_s": min(config.patience_s, _PATIENCE_S)}))
    key, data = f"probe/{uuid.uuid4().hex}", b"stillhouse"
    _write(config, backend, key, data)
    with store_errors(config, "read back", key):
        back = backend.read(key)
    if back != data:
        where = f"; fix AWS_ENDPOINT_URL ({config.server}) if that is no S3 server" if config.scheme == "s3" else ""
        raise StoreError(f"{config.url} did not return what was just written; fix STILLHOUSE_STORE{where}")
    with store_errors(config, "delete", key):
        backend.delete(key)


def _write(config: StoreConfig, backend: Backend, key: str, data: bytes) -> None:
    try:
        with store_errors(config, "write", key, len(data)):
            backend.write(key, data)
    except StoreError as error:
        if not (config.is_remote and _is_readable(config, backend)):
            raise
        raise StoreError(
            f"{config.url} can be read but not written{_code(config, error)}; it or the keys are read-only: give these "
            "keys the right to put and delete objects there, or name another STILLHOUSE_STORE"
        ) from error


def _code(config: StoreConfig, error: StoreError) -> str:
    if config.scheme != "s3":
        return ""
    from stillhouse.artifacts.s3.errors import error_code

    return f" [{error_code(error)}]"


def _is_readable(config: StoreConfig, backend: Backend) -> bool:
    try:
        with store_errors(config, "list", "probe"):
            backend.stamps("probe")
    except StoreError:
        return False
    return True
