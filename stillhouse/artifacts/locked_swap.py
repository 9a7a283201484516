"""A swap under a lock of the kernel, for stores that offer no conditional write of their own."""

from pathlib import Path

from filelock import FileLock

from stillhouse.artifacts.backend import Backend


def swap_under(lock: Path, backend: Backend, key: str, data: bytes, version: str | None) -> bool:
    """Put `data` at `key` if its version is still `version`; excludes all who use the same file as `lock`.

    Returns whether it is put.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock, timeout=-1):
        found = backend.versioned(key)
        if (found and found[1]) != version:
            return False
        backend.write(key, data)
        return True
