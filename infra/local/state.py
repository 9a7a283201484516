"""The state folder: private to its owner, and used by one `make up` or `make down` at a time."""

import contextlib
import fcntl
from collections.abc import Iterator

from infra.local.paths import LocalPaths
from stillhouse.errors import ServiceError


@contextlib.contextmanager
def state_lock(paths: LocalPaths) -> Iterator[None]:
    """Hold the state folder; it is made if it does not exist.

    Raises:
        ServiceError: another up or down is at work, or the folder can't be written.
    """
    try:
        # it holds Prefect's database, which holds the addresses of notifications
        paths.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (paths.state / "lock").open("a")
    except OSError as error:
        raise ServiceError(
            f"{paths.state} can't be written: {error.strerror}. Set STILLHOUSE_LOCAL elsewhere."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceError(
                f"Another `make up` or `make down` is at work in {paths.state}; try again after it."
            ) from None
        yield
