"""What runs under way hold in the store, so that no clean-up takes it; and the clean-up's own sign that they wait for.

Both write their sign before they look for the other's. So of two that meet one always sees the other, without
conditional writes: a run that begins to use an artifact during a clean-up waits until it is over.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from stillhouse.artifacts.backend import Stamp
from stillhouse.artifacts.files import FileStore
from stillhouse.errors import StoreError

FOLDER = "work/in-use"
_BEAT_S = 300.0
LEASE_S = 24 * 3600.0  # a run that gave no sign for so long has ended; a laptop may sleep for a night
CLEANING_S = 600.0  # the same of a clean-up
_POLL_S = 0.5


class Lease:
    """The artifacts that one run uses or is about to write, noted in the store until the run ends."""

    def __init__(self, store: FileStore, run_id: str) -> None:
        """Write nothing yet."""
        self._store = store
        self._key = f"{FOLDER}/run-{run_id}.json"
        self._held: set[str] = set()
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def hold(self, names: Iterable[str], on_wait: Callable[[], None] = lambda: None) -> None:
        """Note `names` (`stage/fingerprint`) as in use, and wait for the end of a clean-up that is under way.

        Raises:
            StoreError: the store can't be read or written.
        """
        new = set(names) - self._held
        if not new:
            return
        if not self._held:
            threading.Thread(target=self._beat, daemon=True).start()
        self._held |= new
        self._write()
        if _cleaning(self._store.stamps(FOLDER), now=self._key):
            on_wait()
        while _cleaning(self._store.stamps(FOLDER), now=self._key):
            time.sleep(_POLL_S)
            self._write()  # its time is what a clean-up's is compared with

    def release(self) -> None:
        """Take the note away: the run has ended. If the store does not answer, the note is void after a day."""
        with self._lock, suppress(StoreError):
            self._ended.set()
            if self._held:
                self._store.delete(self._key)

    def _write(self) -> None:
        note = {"host": socket.gethostname(), "process": os.getpid(), "artifacts": sorted(self._held)}
        with self._lock:
            if not self._ended.is_set():  # else it would come back after its end
                self._store.put_text(self._key, json.dumps(note, indent=1))

    def _beat(self) -> None:
        while not self._ended.wait(_BEAT_S):
            with suppress(StoreError):  # the next beat tries again, long before the note is void
                self._write()


class Cleaning:
    """A clean-up's sign, which says that it is alive."""

    def __init__(self, store: FileStore) -> None:
        """Write nothing yet."""
        self._store = store
        self.key = f"{FOLDER}/cleaning-{uuid.uuid4().hex}.json"
        self._written = 0.0

    @property
    def now(self) -> float:
        """The UNIX time by the store's clock, if the sign was just written."""
        return self._store.stamps(FOLDER)[self.key].written

    def write(self) -> None:
        """Write the sign anew.

        Raises:
            StoreError: the store can't be written, or the last sign is so old that runs have gone on meanwhile.
        """
        now = time.monotonic()
        if self._written and now - self._written > CLEANING_S / 2:
            raise StoreError("the clean-up stood still for minutes, and runs may have gone on: start it again")
        if not self._written or now - self._written > CLEANING_S / 10:
            self._store.put_text(self.key, json.dumps({"host": socket.gethostname(), "process": os.getpid()}))
            self._written = now


@contextmanager
def cleaning(store: FileStore) -> Iterator[Cleaning]:
    """Announce a clean-up, so that runs which begin to use an artifact wait until the block ends.

    Raises:
        StoreError: another clean-up is under way, or the store can't be read or written.
    """
    sign = Cleaning(store)
    sign.write()
    try:
        if others := _cleaning(store.stamps(FOLDER), now=sign.key):
            raise StoreError(
                f"another clean-up of {store.config.url} is under way ({others[0]}). Wait until it is done; one that "
                f"was killed counts for {CLEANING_S / 60:.0f} minutes."
            )
        yield sign
    finally:
        store.delete(sign.key)


def held(store: FileStore, stamps: dict[str, Stamp], now: float) -> dict[str, str]:
    """Return the notes of the runs under way by run id; `stamps` are those of `FOLDER`.

    Raises:
        StoreError: the store can't be read.
    """
    found = {}
    for key, stamp in stamps.items():
        name = key.removeprefix(f"{FOLDER}/")
        if name.startswith("run-") and now - stamp.written <= LEASE_S:
            try:
                found[name.removeprefix("run-").removesuffix(".json")] = store.read_text(key)
            except StoreError:
                if store.exists(key):
                    raise  # else the run has ended since
    return found


def _cleaning(stamps: dict[str, Stamp], now: str) -> list[str]:
    """Return the signs of clean-ups under way, but for `now` itself, whose time by the store's clock is the present."""
    present = stamps[now].written if now in stamps else time.time()
    return [
        key.removeprefix(f"{FOLDER}/")
        for key, stamp in stamps.items()
        if key != now and key.startswith(f"{FOLDER}/cleaning-") and present - stamp.written <= CLEANING_S
    ]
