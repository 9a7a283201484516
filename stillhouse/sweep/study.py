"""The trials of one sweep in the store, shared by all processes that run it.

    sweeps/<study>/study.json                what the trials have in common
    sweeps/<study>/trials/0003.json          one trial, written when it begins, after each rung and at its end
    sweeps/<study>/owners/<owner>.json       a process that runs trials, written anew while it lives

A trial is taken by a swap, so of two processes one gets it. A trial whose process has ended is taken over with its
values, by any machine. On servers without conditional writes two machines may run one trial both: the record is then
that of the one that ended last, whole.
"""

import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import psutil

from stillhouse.artifacts.files import FileStore
from stillhouse.artifacts.fingerprint import sha256_json
from stillhouse.errors import StoreError
from stillhouse.sweep.trial import Fields, Trial

FOLDER = "sweeps"
_BEAT_S = 60.0
SILENCE_S = 600.0  # a process that gave no sign for so long has ended
_POLL_S = 2.0

Ask = Callable[[Sequence[Trial]], Fields | None]


class Study:
    """One sweep's trials as this process sees them, a context: while it is open the process counts as alive."""

    def __init__(self, store: FileStore, key: str) -> None:
        """Write nothing yet."""
        self._store = store
        self._home = f"{FOLDER}/{key}"
        process = psutil.Process()
        self._sign = {"host": socket.gethostname(), "process": process.pid, "started": process.create_time()}
        self.owner = sha256_json({**self._sign, "once": uuid.uuid4().hex})[:16]
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        """Give a sign of life, and go on with it."""
        self._write_sign()
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the sign away: what this process has not finished, others may take over at once."""
        self._ended.set()
        with suppress(StoreError):
            self._store.delete(self._owner_key(self.owner))

    def trials(self) -> list[Trial]:
        """Return all trials by number.

        Raises:
            StoreError: the store can't be read, or holds something else there.
        """
        return [self._read(key) for key in self._store.list(f"{self._home}/trials")]

    def trial(self, number: int) -> Trial:
        """Return one trial.

        Raises:
            StoreError: it is not there, the store can't be read, or holds something else there.
        """
        return self._read(self._key(number))

    def next_trial(self, most: int, ask: Ask, on_wait: Callable[[], None] = lambda: None) -> Trial | None:
        """Return a trial for this process to run: one that was left undone, else a new one; None if all are done.

        Waits for trials that other processes run, since these may be left undone too.

        Args:
            most: trials that there may be.
            ask: returns the values of a new trial, given all there are; None if there is to be no further one.
            on_wait: called once before it waits for others.

        Raises:
            StoreError: the store can't be read or written.
        """
        has_waited = False
        while True:
            trials = self.trials()
            for trial in trials:
                if trial.state == "running" and not self._lives(trial.owner) and (mine := self._take_over(trial)):
                    return mine
            fields = ask(trials) if len(trials) < most else None
            if fields is not None:
                # not their count: somebody may have deleted one
                number = trials[-1].number + 1 if trials else 0
                new = self._owned(Trial(number=number, fields=fields))
                if self._store.swap(self._key(new.number), _bytes(new), None):
                    return new
                continue  # another process was faster
            if all(trial.state != "running" for trial in trials):
                return None
            if not has_waited:
                on_wait()
                has_waited = True
            time.sleep(_POLL_S)

    def put(self, trial: Trial) -> None:
        """Write a trial of this process.

        Raises:
            StoreError: the store can't be written.
        """
        self._store.put_bytes(self._key(trial.number), _bytes(trial))

    def note(self, name: str, body: dict[str, Any]) -> None:
        """Write what belongs to all trials, as `name`.json.

        Raises:
            StoreError: the store can't be written.
        """
        self._store.put_text(f"{self._home}/{name}.json", json.dumps(body, indent=1, sort_keys=True))

    def noted(self, name: str) -> dict[str, Any] | None:
        """Return what was noted as `name`; None if nothing was.

        Raises:
            StoreError: the store can't be read.
        """
        found = self._store.versioned(f"{self._home}/{name}.json")
        body: dict[str, Any] | None = json.loads(found[0]) if found else None
        return body

    def _take_over(self, trial: Trial) -> Trial | None:
        found = self._store.versioned(self._key(trial.number))
        if found is None or Trial.model_validate_json(found[0]) != trial:
            return None
        mine = self._owned(trial)
        return mine if self._store.swap(self._key(trial.number), _bytes(mine), found[1]) else None

    def _owned(self, trial: Trial) -> Trial:
        return trial.model_copy(update={"owner": self.owner, "token": uuid.uuid4().hex})

    def _lives(self, owner: str) -> bool:
        """Return whether a process still runs its trial; this one runs none while it looks for the next."""
        if owner == self.owner:
            return False
        key = self._owner_key(owner)
        if (found := self._store.versioned(key)) is None:
            return False
        sign = json.loads(found[0])
        if sign["host"] == self._sign["host"]:
            return _is_running(sign["process"], sign["started"])
        stamps = self._store.stamps(f"{self._home}/owners")
        # its time by the store's clock, beside this process's own
        silent_s = stamps[self._owner_key(self.owner)].written - stamps[key].written if key in stamps else SILENCE_S
        return silent_s < SILENCE_S

    def _beat(self) -> None:
        while not self._ended.wait(_BEAT_S):
            with suppress(StoreError):  # the next beat tries again
                self._write_sign()

    def _write_sign(self) -> None:
        sign = {**self._sign, "at": time.time()}
        self._store.put_text(self._owner_key(self.owner), json.dumps(sign, sort_keys=True))

    def _read(self, key: str) -> Trial:
        try:
            return Trial.model_validate_json(self._store.read_text(key))
        except ValueError as error:
            raise StoreError(
                f"{self._store.config.url}/{key} is no trial of this version ({str(error).splitlines()[0]}). Delete "
                f"{self._home} to begin the sweep anew."
            ) from None

    def _key(self, number: int) -> str:
        return f"{self._home}/trials/{number:04d}.json"

    def _owner_key(self, owner: str) -> str:
        return f"{self._home}/owners/{owner}.json"


def _bytes(trial: Trial) -> bytes:
    return json.dumps(trial.model_dump(mode="json"), indent=1, sort_keys=True).encode()


def _is_running(process: int, started: float) -> bool:
    # another process may have got its number since
    try:
        found = psutil.Process(process)
        return abs(float(found.create_time()) - started) < 1.0 and str(found.status()) != str(psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
