"""Notes on checks of models that passed on this machine, so that they are not made again.

To load a model's configuration takes two seconds, nearly all of it for loading transformers.
"""

import contextlib
import functools
import hashlib
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stillhouse.runtime.code_version import source_sha256
from stillhouse.runtime.settings import Settings


def check_once(settings: Settings, looked_at: Any, check: Callable[[], None]) -> None:
    """Make `check`, unless it passed before; `looked_at` is JSON of all that its result depends on, but for code.

    What it raises is raised, and it is made again the next time.
    """
    if not has_passed(settings, looked_at):
        check()
        note_passed(settings, looked_at)


def has_passed(settings: Settings, looked_at: Any) -> bool:
    """Return whether a check of `looked_at` passed before, with this code."""
    return _note(settings, looked_at).exists()


def note_passed(settings: Settings, looked_at: Any) -> None:
    """Note that a check of `looked_at` passed."""
    note = _note(settings, looked_at)
    # a note that can't be kept costs time, never a run
    with contextlib.suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()


def folder_state(folder: str) -> list[Any]:
    """Return path, size, times and inode of every file below `folder`: other files, or a file that changed, show."""
    return [
        [str(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        for path in sorted(Path(folder).absolute().rglob("*"))
        if path.is_file() and (status := path.stat())
    ]


def _note(settings: Settings, looked_at: Any) -> Path:
    text = json.dumps([looked_at, _code()], sort_keys=True)
    return settings.passed_checks / hashlib.sha256(text.encode()).hexdigest()


@functools.cache
def _code() -> list[str]:
    return [source_sha256(), version("transformers")]
