"""The contract of a store's backend, which a folder and a bucket both keep."""

from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol


class Stamp(NamedTuple):
    """A stored file's size in bytes, a token that changes when its content does, and when it was written."""

    size_bytes: int
    version: str
    written: float  # UNIX time, by the store's clock


class Backend(Protocol):
    """Bytes by key; keys are relative, with `/` between. A write is seen whole or not at all.

    Reading raises ArtifactCorrupt if the backend itself knows that the bytes are not those written.
    """

    scratch_root: Path

    def read(self, key: str) -> bytes | None:
        """Return the bytes of `key`, or None if it is not there."""

    def exists(self, key: str) -> bool:
        """Return whether there is a file at `key`."""

    def open(self, key: str) -> BinaryIO:
        """Return `key` opened for reading, seekable."""

    def write(self, key: str, data: bytes) -> None:
        """Put `data` at `key`."""

    def versioned(self, key: str) -> tuple[bytes, str] | None:
        """Return the bytes of `key` and their version, which `swap` takes; None if it is not there."""

    def swap(self, key: str, data: bytes, version: str | None) -> bool:
        """Put `data` at `key` if its version is still `version` (None: it is not there); return whether it is put.

        Of writers at once that know the same version one succeeds: of this machine's, and of all if `excludes_others`.
        `data` is to differ from all that was ever there.
        """

    @property
    def excludes_others(self) -> bool:
        """Whether `swap` excludes other machines, too. Asks the store, the first time."""

    def download(self, key: str, local: Path) -> None:
        """Copy `key` to a local file."""

    def publish(self, folder: Path, files: list[str], key: str) -> None:
        """Put the files of a scratch folder below `key`; the folder may be gone afterwards."""

    def stamps(self, prefix: str) -> dict[str, Stamp]:
        """Return every file below the folder `prefix`, by key."""

    def delete(self, key: str) -> None:
        """Remove `key` and all below it; a missing key is no error."""

    def prune(self, key: str) -> None:
        """Remove the folder `key` if it holds nothing; a bucket has no folders."""

    def local(self, key: str) -> Path | None:
        """Return the path of `key` on this machine, or None for a remote store."""
