"""The state folder itself: private to its owner, and one `make up` or `make down` in it at a time.

Separate because up and down both need it and neither owns it.
"""

import contextlib
import fcntl
from collections.abc import Iterator

from infra.local.paths import Places
from stillhouse.errors import ServiceError


@contextlib.contextmanager
def state_lock(places: Places) -> Iterator[None]:
    """Hold the state folder, made if it is not there.

    Raises:
        ServiceError: another up or down is at work, or the folder can't be written.
    """
    try:
        # Prefect's database lies in it, and in that the addresses that notifications go to
        places.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (places.state / "lock").open("a")
    except OSError as error:
        raise ServiceError(
            f"{places.state} can't be written: {error.strerror}. Set STILLHOUSE_LOCAL elsewhere."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServiceError(
                f"Another `make up` or `make down` is at work in {places.state}; try again after it."
            ) from None
        yield
