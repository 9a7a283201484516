"""Completions that came and are not in the store yet, on this machine's disk: a process may end at any moment.

Each is one line with a checksum, written as it comes. A file goes once the store holds its lines. What an ended process
left is stored by the next one that uses the same teacher and store.
"""

import fcntl
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO
from uuid import uuid4

from pydantic import ValidationError

from stillhouse.artifacts.config import StoreConfig
from stillhouse.completions.completion import Completion

Line = tuple[Completion, int]


class Journal:
    """The unstored completions of one teacher."""

    def __init__(self, store: StoreConfig, teacher: str, log: Callable[[str], None]) -> None:
        """Write nothing yet; `log` is told once if the disk can't be written."""
        place = hashlib.sha256(store.url.encode()).hexdigest()[:16]
        self._folder = store.cache_dir.expanduser().absolute() / "unstored" / place / teacher
        self._log = log
        self._file: IO[bytes] | None = None
        self._is_broken = False

    def add(self, completion: Completion, min_logprobs: int) -> None:
        """Write one completion, requested with `min_logprobs` logprobs a token; it outlives this process."""
        if self._is_broken:
            return
        fields = completion.model_dump(mode="json", exclude_defaults=True)
        text = json.dumps([min_logprobs, fields]).encode()
        try:
            self._file = self._file or self._open()
            self._file.write(b"%08x %s\n" % (zlib.crc32(text), text))
            self._file.flush()
        except OSError as error:
            self._is_broken = True  # the run goes on as without a journal
            self._log(f"answers can't be kept in {self._folder} until they are stored: {error}")

    def cut(self) -> "Part":
        """Return what was added since the last cut."""
        part, self._file = Part(self._file), None
        return part

    def left(self) -> Iterator[tuple["Part", list[Line]]]:
        """Yield what ended processes left, file by file; lines that are not whole are left out."""
        for path in sorted(self._folder.glob("*.jsonl")):
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue  # another process has stored it
            with file:
                if _lock(file):
                    yield Part(file), list(_whole_lines(file))

    def _open(self) -> IO[bytes]:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = (self._folder / f"{uuid4().hex}.jsonl").open("xb")
        _lock(file)  # until this process ends: others then leave it alone
        return file


class Part:
    """A closed part of a journal; its lock is held until it is closed or the process ends."""

    def __init__(self, file: IO[bytes] | None) -> None:
        """Take over `file`; None if nothing was added."""
        self._file = file

    def forget(self) -> None:
        """Delete it: the store holds its lines."""
        if self._file is not None:
            Path(self._file.name).unlink(missing_ok=True)
            self.close()

    def close(self) -> None:
        """Leave it, if it is not forgotten, to whoever stores it next."""
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> "Part":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _lock(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _whole_lines(file: IO[bytes]) -> Iterator[Line]:
    for line in file:
        checksum, _, text = line.rstrip(b"\n").partition(b" ")
        if line.endswith(b"\n") and checksum == b"%08x" % zlib.crc32(text):
            try:
                min_logprobs, fields = json.loads(text)
                yield Completion.model_validate_json(json.dumps(fields)), int(min_logprobs)
            except (ValueError, ValidationError):
                continue  # of another version of the program
