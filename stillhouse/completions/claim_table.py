"""The table of a teacher's claims as the store holds it, and how a process is known in it."""

import functools
import os
import socket
from pathlib import Path
from typing import Self

import psutil
from pydantic import BaseModel, ConfigDict


class Owner(BaseModel):
    """A process that has claimed keys."""

    model_config = ConfigDict(frozen=True)

    id: str
    host: str
    process: int
    started: float  # UNIX time of the process's start
    place: str  # in which `process` names it: one start of a machine, and one space of process numbers
    valid_s: float  # without a further beat
    beat: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether it is known to have ended; False for one of another machine or container."""
        if self.place != _place():
            return False
        try:
            process = psutil.Process(self.process)
            # the clock may have been set since
            is_another = abs(process.create_time() - self.started) > 2.0
            return is_another or bool(process.status() == psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return True


class ClaimTable(BaseModel):
    """All who have claimed keys of one teacher."""

    model_config = ConfigDict(frozen=True)

    owners: tuple[Owner, ...] = ()
    written: str = ""  # no two tables are alike, so that a writer knows its own

    def __contains__(self, owner: Owner) -> bool:
        """Return whether `owner` is in it, whatever its beat."""
        return owner.id in {one.id for one in self.owners}

    def without(self, *gone: Owner) -> Self:
        """Return the table without these owners."""
        names = {owner.id for owner in gone}
        return self.model_copy(update={"owners": tuple(one for one in self.owners if one.id not in names)})

    def having(self, owner: Owner) -> Self:
        """Return the table with one more owner."""
        return self.model_copy(update={"owners": (*self.owners, owner)})

    def with_beat_of(self, owner: Owner) -> Self:
        """Return the table with one more beat of `owner`."""
        beaten = (one.model_copy(update={"beat": one.beat + 1}) if one.id == owner.id else one for one in self.owners)
        return self.model_copy(update={"owners": tuple(beaten)})


def this_process(id: str, valid_s: float) -> Owner:
    """Return this process as an owner."""
    own = psutil.Process()
    return Owner(
        id=id,
        host=socket.gethostname(),
        process=own.pid,
        started=own.create_time(),
        place=_place(),
        valid_s=valid_s,
    )


@functools.cache
def _place() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {os.readlink('/proc/self/ns/pid')}"
