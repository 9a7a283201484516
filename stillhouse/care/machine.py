"""What runs leave in this machine's work folder: once it is old it is of no use, or costs time alone to make again."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stillhouse.care.inventory import Item

_LOCKS = "building"  # each held by the one builder of an artifact, whichever store it is for
_CHECKPOINTS = "checkpoints"  # of trainings, by the fingerprint of the student
_NOTES = ("traces", "fitting-templates")


def leftovers(work: Path, limit: float) -> list[Item]:
    """Return what was written in the work folder before `limit` (UNIX time) and is of no living process."""
    found = [_item(folder, path) for folder in (_CHECKPOINTS, _LOCKS, *_NOTES) for path in (work / folder).glob("*")]
    return [one for one in found if one.written <= limit and not _is_building(work, one)]


def delete_leftovers(work: Path, items: list[Item]) -> None:
    """Delete `items` of the work folder, but for what a process has begun to use since.

    Raises:
        OSError: the folder can't be written.
    """
    for item in items:
        path = Path(item.name)
        with _builder(work, path.name) as is_free:
            if not is_free:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _item(kind: str, path: Path) -> Item:
    stats = [file.stat() for file in (path, *path.rglob("*"))]
    return Item(kind, str(path), (str(path),), sum(one.st_size for one in stats), max(one.st_mtime for one in stats))


def _is_building(work: Path, item: Item) -> bool:
    with _builder(work, Path(item.name).name) as is_free:
        return not is_free


@contextmanager
def _builder(work: Path, name: str) -> Iterator[bool]:
    """Hold the lock of the builder of an artifact, and yield whether it was free; what has no such lock is free."""
    lock = work / _LOCKS / f"{name.removesuffix('.lock')}.lock"
    if not lock.exists():
        yield True
        return
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
