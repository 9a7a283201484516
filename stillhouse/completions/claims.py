"""Which run asks a teacher for which completions now, noted in the store: no two runs ask for the same one.

A run takes all the keys that it is about to ask for, or none. They are its own until it gives them back or is dead: one
that died on this machine is known at once, another by its beats, which are counted by the clock of who waits. One that
was taken for dead, as after a machine's sleep, learns it before its next request.
"""

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from stillhouse.artifacts.files import FileStore
from stillhouse.completions.claim_table import ClaimTable, Owner, this_process
from stillhouse.errors import ClaimLost, StoreError

FOLDER = "work/asking"
Keys = npt.NDArray[np.uint64]

_SLACK_S = 60.0  # beyond the patience with the store: its longest trouble must not look like a death
_BEATS = 6  # while a claim is valid
_OWN_SHARE = 0.8  # of that time in which an owner counts on it: others wait for all of it


def boot_time() -> float:
    """Return the seconds since the machine's start; those of its sleep count, unlike in `time.monotonic`."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Claims:
    """What this process asks one teacher for, a context: what it took is given back at its end."""

    def __init__(
        self, store: FileStore, teacher: str, slack_s: float = _SLACK_S, clock: Callable[[], float] = boot_time
    ) -> None:
        """Take nothing yet; without a sign for `slack_s` more than the store may fail, this process counts as dead."""
        self._store = store
        self._clock = clock
        self._key = f"{FOLDER}/{teacher}.json"
        self._keys_folder = f"{FOLDER}/{teacher}"
        self._own = this_process(uuid.uuid4().hex, store.config.patience_s + slack_s)
        self._seen: dict[str, tuple[int, float]] = {}  # others' last beat, and when it was new to us
        self._others: dict[str, Keys] = {}
        self._is_noted = False
        self._renewed = 0.0
        self._is_lost = False
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def take(self, keys: Iterable[str]) -> Owner | None:
        """Take all of `keys`; if a living run has one of them, take none and return who it is.

        Raises:
            StoreError: the store can't be read or written.
        """
        wanted = as_numbers(keys)
        dead: list[Owner] = []

        def enter(table: ClaimTable) -> ClaimTable | None:
            dead[:] = [owner for owner in table.owners if self._is_dead(owner)]
            living = table.without(self._own, *dead)
            if self._holder(living, wanted):
                return living if dead else None
            if not self._is_noted:
                # before its owner is in the table: who finds the owner finds these
                self._store.put_bytes(self._keys_of(self._own), wanted.tobytes())
                self._is_noted = True
            return living.having(self._own)

        started = self._clock()
        table = self._change(enter)
        for owner in dead:
            self._store.delete(self._keys_of(owner))
        holder = self._holder(table.without(self._own, *dead), wanted)
        if holder is None:
            self._renewed = started
            threading.Thread(target=self._beat, daemon=True).start()
        elif self._is_noted:
            self._forget()
        return holder

    def check(self) -> None:
        """Do nothing if what was taken is still this process's.

        Raises:
            ClaimLost: others may take it for dead, and ask.
        """
        silent_s = self._clock() - self._renewed
        if self._is_lost or silent_s > self._own.valid_s * _OWN_SHARE:
            raise ClaimLost(
                f"this run gave the store no sign for {silent_s:.0f} s, as after a machine's sleep, and another may "
                "ask the same prompts by now. What came is stored: run again to go on."
            )

    def release(self) -> None:
        """Give back what was taken; if the store does not answer, others wait until it is void."""
        self._ended.set()
        if self._is_noted:
            with suppress(StoreError):
                self._change(lambda table: table.without(self._own) if self._own in table else None)
                self._forget()

    def _forget(self) -> None:
        self._store.delete(self._keys_of(self._own))
        self._is_noted = False

    def _change(self, change: Callable[[ClaimTable], ClaimTable | None]) -> ClaimTable:
        """Store what `change` makes of the table, once no other writer comes between, and return it.

        If `change` returns None, the table stays as it is.
        """
        while True:
            found = self._store.versioned(self._key)
            table = self._read(found[0]) if found else ClaimTable()
            changed = change(table)
            if changed is None:
                return table
            changed = changed.model_copy(update={"written": uuid.uuid4().hex})
            if self._store.swap(self._key, changed.model_dump_json().encode(), found[1] if found else None):
                return changed
            time.sleep(random.uniform(0.02, 0.2))

    def _read(self, data: bytes) -> ClaimTable:
        try:
            return ClaimTable.model_validate_json(data)
        except ValidationError as error:
            raise StoreError(
                f"{self._key} in {self._store.config.url} says which runs ask a teacher, and can't be read. Delete it "
                "while no run of this store is under way."
            ) from error

    def _is_dead(self, owner: Owner) -> bool:
        if owner.has_ended:
            return True
        beat, since = self._seen.get(owner.id, (-1, 0.0))
        if beat != owner.beat:
            self._seen[owner.id] = owner.beat, self._clock()
            return False
        return self._clock() - since >= owner.valid_s

    def _holder(self, table: ClaimTable, wanted: Keys) -> Owner | None:
        return next((owner for owner in table.owners if self._holds_any(owner, wanted)), None)

    def _holds_any(self, owner: Owner, wanted: Keys) -> bool:
        if owner.id not in self._others:
            found = self._store.versioned(self._keys_of(owner))
            # without its keys it has just left, and the table that names it has changed
            self._others[owner.id] = np.frombuffer(found[0] if found else b"", np.uint64)
        return bool(np.isin(wanted, self._others[owner.id]).any())

    def _keys_of(self, owner: Owner) -> str:
        return f"{self._keys_folder}/{owner.id}.keys"

    def _beat(self) -> None:
        while not self._is_lost and not self._ended.wait(self._own.valid_s / _BEATS):
            started = self._clock()
            with suppress(StoreError):  # the next beat tries again, and `check` counts the time
                self._change(self._renewal)
                self._renewed = started

    def _renewal(self, table: ClaimTable) -> ClaimTable | None:
        self._is_lost = self._own not in table
        return None if self._is_lost else table.with_beat_of(self._own)


def as_numbers(keys: Iterable[str]) -> Keys:
    """Return the first 64 bits of each key (a SHA-256 in hex). Two that agree in them wait for each other in vain."""
    return np.fromiter((int(key[:16], 16) for key in keys), np.uint64)
