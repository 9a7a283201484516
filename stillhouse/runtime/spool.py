"""Bytes on disk, in a file without a name that ends with the process: a million long prompts take gigabytes."""

import os
import tempfile
from dataclasses import dataclass


class Spool:
    """Pieces that are written once and read by their places, in any order."""

    def __init__(self) -> None:
        """Start with none; the file is in the system's folder for temporary files (TMPDIR)."""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it goes with this object
        self._size = 0
        self._is_flushed = True

    def add(self, content: bytes) -> "Spooled":
        """Append one piece, and return its place."""
        self._file.write(content)
        self._is_flushed = False
        place = Spooled(self, self._size, len(content))
        self._size += len(content)
        return place

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start`."""
        if not self._is_flushed:
            self._file.flush()
            self._is_flushed = True
        return os.pread(self._file.fileno(), size, start)


@dataclass(frozen=True, slots=True)
class Spooled:
    """The place of one piece."""

    spool: Spool
    start: int
    size: int  # bytes

    def read(self) -> bytes:
        """Return the piece."""
        return self.spool.read(self.start, self.size)
