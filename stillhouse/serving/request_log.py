"""Answered requests as lines of JSON, in the form that a recipe's `data` sources read.

A line is written with one call and is whole or cut away again: by the process that fails to write it, or, if that was
killed, by the next one that starts in the folder.
"""

import contextlib
import fcntl
import json
import os
import secrets
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stillhouse.config import StrictModel
from stillhouse.data.row import Messages
from stillhouse.encodable import encodable
from stillhouse.errors import ServiceError
from stillhouse.serving.answers import Answer

_PREFIX, _SUFFIX = "requests-", ".jsonl"


class LogSettings(StrictModel):
    """Where requests are written, and how much of them stays."""

    folder: str
    file_bytes: int = 64 * 2**20  # then a new file begins
    files: int = 100  # the oldest above these go


def log_row(
    request_id: str, messages: Messages, answer: Answer, *, served: str, is_dialogue: bool, at: datetime
) -> dict[str, Any]:
    """Return one answered request as a row of data: `columns: {messages: messages, id: id}` reads it back.

    A dialogue ends with the reply. For other skills a prompt ends with the user, so that the answer stands beside it: a
    student's answer is no true label.
    """
    turns = [*messages, {"role": "assistant", "content": answer.text}] if is_dialogue else list(messages)
    return {
        "id": request_id,
        "at": at.isoformat(timespec="milliseconds"),
        "served": served,
        "messages": turns,
        "answer": answer.text,
        "confidence": answer.confidence,
        "handed_back": answer.is_handed_back,
    }


class RequestLog:
    """An open log; `write` may be called from several threads."""

    def __init__(self, settings: LogSettings) -> None:
        """Mend what an earlier process left, and begin a file that its owner alone may read.

        Raises:
            ServiceError: the folder can't be written.
        """
        self._settings = settings
        self._folder = Path(settings.folder)
        self._lock = threading.Lock()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for file in self._files():
                _cut_half_line(file)
            self._begin()
        except OSError as error:
            raise ServiceError(
                f"--log-requests {settings.folder}: {error.strerror}. Name a folder that this user may write."
            ) from error

    def write(self, row: dict[str, Any]) -> bool:
        """Append one line; return whether it is written whole. A full disk loses the line, and no request."""
        line = encodable(json.dumps(row, ensure_ascii=False, separators=(",", ":"))).encode() + b"\n"
        with self._lock:
            try:
                if self._size and self._size + len(line) > self._settings.file_bytes:
                    self._rotate()
                written = os.write(self._file, line)
            except OSError:
                written = 0
            if written == len(line):
                self._size += written
                return True
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            return False

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            os.close(self._file)

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob(f"{_PREFIX}*{_SUFFIX}"))

    def _begin(self) -> None:
        # names rise with time, so that the first is the oldest
        name = f"{_PREFIX}{datetime.now(UTC):%Y%m%dT%H%M%S.%f}-{secrets.token_hex(3)}{_SUFFIX}"
        self._file = os.open(self._folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)  # as long as this process lives, nobody mends it
        self._size = 0

    def _rotate(self) -> None:
        before = self._file
        self._begin()
        os.close(before)
        for file in self._files()[: -self._settings.files]:
            with contextlib.suppress(OSError):
                file.unlink()


def _cut_half_line(path: Path) -> None:
    """Cut what stands behind the last whole line, unless a living process writes the file."""
    with path.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        content = file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            file.truncate(whole)
