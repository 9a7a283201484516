"""Local copies of a remote store's artifacts, one copy a machine.

An attempt's folder appears by one rename, complete and verified. Each process checks its files once before use.
"""

import logging
import os
import shutil
import uuid
from pathlib import Path
from typing import IO

from stillhouse.artifacts.backend import Backend
from stillhouse.artifacts.cache_limit import lock_of, note_use, shrink
from stillhouse.artifacts.hash_memory import HashMemory
from stillhouse.artifacts.local_backend import Folder
from stillhouse.artifacts.record import Record
from stillhouse.artifacts.verification import Verifier
from stillhouse.errors import ArtifactCorrupt

logger = logging.getLogger(__name__)


class FetchCache:
    """Downloads artifacts into a folder, and hands out verified copies."""

    def __init__(self, backend: Backend, root: Path, hashes: HashMemory, limit_bytes: float):
        self._backend = backend
        self._root = root
        self._limit_bytes = limit_bytes
        self._verifier = Verifier(Folder(root), hashes)
        self._in_use: dict[Path, IO[bytes]] = {}  # until this process ends: nobody says when a folder is no longer read

    def fetch(self, record: Record, files_key: str) -> Path:
        """Return the folder of the artifact's files on this machine.

        Raises:
            ArtifactCorrupt: the downloaded files are not those that the record lists.
            OSError: (and botocore's errors) the store can't be read, or the cache can't be written.
        """
        target = self._root / files_key
        target.parent.mkdir(parents=True, exist_ok=True)
        # another process that wants the same weights waits for the one download
        with lock_of(target):
            is_there = self._is_intact(record, files_key, target)
            if not is_there:
                self._fetch(record, files_key, target)
            self._note_use(target)
        if not is_there:
            shrink(self._root, self._limit_bytes)
        return target

    def adopt(self, record: Record, files_key: str, folder: Path) -> None:
        """Move `folder`, whose files were just stored, into the cache as their local copy.

        Raises:
            OSError: the cache can't be written.
        """
        target = self._root / files_key
        target.parent.mkdir(parents=True, exist_ok=True)
        with lock_of(target):
            os.rename(folder, target)
            self._verifier.trust(record, files_key)
            self._note_use(target)
        shrink(self._root, self._limit_bytes)

    def _note_use(self, target: Path) -> None:
        if target not in self._in_use:
            self._in_use[target] = note_use(target)

    def _is_intact(self, record: Record, files_key: str, target: Path) -> bool:
        if not target.is_dir():
            return False
        fault = self._verifier.fault(record, files_key)
        if fault is None:
            return True
        logger.warning("the local copy %s is damaged and is downloaded again: %s", target, fault)
        shutil.rmtree(target)
        return False

    def _fetch(self, record: Record, files_key: str, target: Path) -> None:
        temporary = target.with_name(f".stillhouse-{uuid.uuid4().hex}")
        try:
            self._download(record, files_key, temporary)
            os.rename(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        self._verifier.trust(record, files_key)

    def _download(self, record: Record, files_key: str, folder: Path) -> None:
        folder.mkdir(parents=True)
        for entry in record.files:
            path = folder / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            self._backend.download(f"{files_key}/{entry.path}", path)
        key = folder.relative_to(self._root).as_posix()
        fault = self._verifier.fault(record, key)
        if fault:
            raise ArtifactCorrupt(
                f"artifact {record.stage}/{record.fingerprint} came damaged from the store: {fault}; "
                "run the recipe again to rebuild it"
            )
