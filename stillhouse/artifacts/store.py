"""The artifact store: content-addressed, immutable, verified; in a folder or under an S3 prefix.

    artifacts/<stage>/<fingerprint>/<attempt>/...    the files of one attempt
    artifacts/<stage>/<fingerprint>/record.json      written last: its presence means complete

No conditional write is assumed: every writer has its own attempt folder, and whichever record is written last wins
whole. What is read is checked against the record, so that a truncated or altered artifact is a miss, not a result.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from stillhouse.artifacts.config import StoreConfig
from stillhouse.artifacts.files import FileStore
from stillhouse.artifacts.fingerprint import Input, describe_inputs
from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.artifacts.hash_memory import HashMemory
from stillhouse.artifacts.local_cache import FetchCache
from stillhouse.artifacts.record import Record, dump_record, load_record
from stillhouse.artifacts.store_errors import is_disk_full, store_errors
from stillhouse.artifacts.verification import Verifier
from stillhouse.artifacts.workspace import Workspace, list_files, scratch_folder
from stillhouse.config import identity as plain_identity
from stillhouse.errors import ArtifactCorrupt, StoreError

__all__ = ["Store", "StoreConfig", "Workspace", "open_store"]

logger = logging.getLogger(__name__)

_PART = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


@lru_cache(maxsize=16)
def open_store(config: "StoreConfig") -> "Store":
    """Return this process's one store at that address: its connections and verified files are shared."""
    return Store(config)


class Store(FileStore):
    """Artifacts by reference, and the plain files of runs, models and work beside them."""

    def __init__(self, config: StoreConfig):
        super().__init__(config)
        hashes, folder = HashMemory(config.hashes), config.cache_dir.expanduser().absolute()
        self._verifier = Verifier(self._backend, hashes)
        self._cache = FetchCache(self._backend, folder, hashes, config.cache_gb * 1e9)

    def find(self, stage: str, fingerprint: str) -> Record | None:
        """Return the record of a complete, intact artifact; None if it is absent or damaged, and must be rebuilt.

        Of a local artifact every SHA-256 is checked. Of a remote one the sizes are, and the SHA-256 of files up to
        64 MiB; `fetch` checks all. A file checked once is checked again only if it changed.

        Raises:
            StoreError: the store can't be reached or read.
        """
        ref = ArtifactRef(stage=stage, fingerprint=fingerprint)
        with store_errors(self.config, "look up", _home(ref)):
            record = self._load(ref)
            if record is None:
                return None
            fault = self._verifier.fault(record, _files_key(record))
        if fault:
            logger.warning("artifact %s is damaged and counts as missing: %s", _home(ref), fault)
            return None
        return record

    def record(self, ref: ArtifactRef) -> Record:
        """Return an artifact's record, its files unchecked.

        Raises:
            StoreError: there is no record, or the store can't be read.
        """
        with store_errors(self.config, "read", _record_key(ref)):
            record = self._load(ref)
        if record is None:
            raise StoreError(
                f"no complete artifact {_home(ref)} in {self.config.url}; run the recipe again to rebuild it"
            )
        return record

    @contextmanager
    def workspace(
        self, stage: str, version: int, fingerprint: str, identity: Any, inputs: Mapping[str, Input]
    ) -> Iterator[Workspace]:
        """Yield a workspace whose `commit` makes its folder the artifact; without a commit nothing is stored.

        Raises:
            StoreError: the scratch folder can't be made, or its disk is full.
            TypeError: for an identity without a stable serialisation.
        """
        ref = ArtifactRef(stage=stage, fingerprint=fingerprint)
        plain, described = plain_identity(identity), describe_inputs(inputs)

        def commit(work: Workspace, summary: dict[str, Any], provenance: dict[str, Any]) -> Record:
            record = Record(
                stage=stage,
                version=version,
                fingerprint=fingerprint,
                attempt=work.attempt,
                files=list_files(work.folder),
                identity=plain,
                inputs=described,
                summary=summary,
                provenance=provenance,
            )
            self._commit(ref, record, work.folder)
            return record

        with self._scratch(_home(ref)) as folder:
            yield Workspace(folder, commit)

    def fetch(self, ref: ArtifactRef) -> Path:
        """Return a local folder with all files of the artifact, verified by SHA-256; it is not to be written to.

        Raises:
            ArtifactCorrupt: the files are not those that the record lists.
            StoreError: there is no such artifact, or the store or the local cache can't be used.
        """
        record = self.record(ref)
        key = _files_key(record)
        with store_errors(self.config, "fetch", key, record.size_bytes):
            folder = self._backend.local(key)
            if folder is None:
                return self._cache.fetch(record, key)
            fault = self._verifier.fault(record, key)
        if fault:
            raise ArtifactCorrupt(
                f"artifact {_home(ref)} in {self.config.url} is damaged: {fault}; run the recipe again to rebuild it"
            )
        return folder

    def path(self, ref: ArtifactRef, file: str) -> Path:
        """Return the local path of one file of a fetched artifact.

        Raises:
            StoreError: as `fetch`, or the artifact has no such file.
        """
        names = [entry.path for entry in self.record(ref).files]
        if file not in names:
            raise StoreError(f"artifact {_home(ref)} has no file `{file}`; it has {', '.join(names) or 'none'}")
        return self.fetch(ref) / file

    def _load(self, ref: ArtifactRef) -> Record | None:
        try:
            data = self._backend.read(_record_key(ref))
            if data is None:
                return None
            record = load_record(data)
        except (ValueError, ArtifactCorrupt) as error:
            logger.warning("%s is no record and counts as missing: %s", _record_key(ref), error)
            return None
        if record.ref != ref:
            logger.warning("%s is the record of another artifact and counts as missing", _record_key(ref))
            return None
        return record

    def _commit(self, ref: ArtifactRef, record: Record, folder: Path) -> None:
        data = dump_record(record)  # refused before anything is written
        key = _files_key(record)
        with store_errors(self.config, "write", key, record.size_bytes + len(data)):
            replaced = self._damaged_attempt(ref)
            with ExitStack() as on_failure:
                on_failure.callback(self._withdraw, key)
                self._backend.publish(folder, [entry.path for entry in record.files], key)
                self._backend.write(_record_key(ref), data)
                on_failure.pop_all()
            if self._backend.local(key) is None:
                self._cache.adopt(record, key, folder)  # the machine that made it need not download it
        if replaced:
            self._withdraw(replaced)

    def _damaged_attempt(self, ref: ArtifactRef) -> str | None:
        """Return the files' key of the attempt to be replaced, if it is damaged: an intact one may have readers."""
        record = self._load(ref)
        if record is None or not self._verifier.fault(record, _files_key(record)):
            return None
        return _files_key(record)

    def _withdraw(self, key: str) -> None:
        # best effort: a store that just failed may fail here too, and files without a record are harmless
        try:
            with store_errors(self.config, "delete", key):
                self._backend.delete(key)
        except StoreError as error:
            logger.warning("files that no record names were left behind: %s", error)

    @contextmanager
    def _scratch(self, what: str) -> Iterator[Path]:
        with ExitStack() as stack:
            with store_errors(self.config, "make a scratch folder for", what):
                folder = stack.enter_context(scratch_folder(self._backend.scratch_root))
            try:
                yield folder
            except OSError as error:
                if not is_disk_full(error):
                    raise
                size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
                with store_errors(self.config, "write any more of", f"{what} at {folder}", size):
                    raise


def _home(ref: ArtifactRef) -> str:
    for part in (ref.stage, ref.fingerprint):
        if not _PART.match(part):
            raise ValueError(f"`{part}` can't name a stage or a fingerprint: letters, digits, `.`, `_` and `-` only")
    return f"artifacts/{ref.stage}/{ref.fingerprint}"


def _record_key(ref: ArtifactRef) -> str:
    return f"{_home(ref)}/record.json"


def _files_key(record: Record) -> str:
    return f"{_home(record.ref)}/{record.attempt}"
