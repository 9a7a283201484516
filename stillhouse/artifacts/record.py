"""An artifact's record: its files, its inputs and its provenance.

It is written last: its presence means that the artifact is complete.
"""

import json
from pathlib import PurePosixPath
from typing import Any, Literal

from pydantic import Field, field_validator

from stillhouse.artifacts.fingerprint import sha256_json
from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.config import StrictModel


class FileEntry(StrictModel):
    """One file of an artifact, by its path inside it."""

    path: str
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @field_validator("path")
    @classmethod
    def _inside_the_artifact(cls, path: str) -> str:
        # a record may have been tampered with: no path in it may lead out of the artifact's own folder
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts or "\\" in path:
            raise ValueError("a file's path is relative and stays inside its artifact")
        return path


class Record(StrictModel):
    """The content of record.json."""

    schema_version: Literal[1] = 1
    stage: str
    version: int
    fingerprint: str
    attempt: str = Field(pattern=r"^[0-9a-f]{32}$", description="the folder of the files; each writer has its own")
    files: tuple[FileEntry, ...]
    identity: Any = Field(description="the identity fields that the fingerprint was taken over, as plain JSON")
    inputs: dict[str, str] = Field(description="input name to stage/fingerprint")
    summary: dict[str, Any] = Field(description="counts and measurements of the stage, as plain JSON")
    provenance: dict[str, Any] = Field(description="when, where, how long, by which versions; never identity")

    @property
    def ref(self) -> ArtifactRef:
        """The reference that names this artifact."""
        return ArtifactRef(stage=self.stage, fingerprint=self.fingerprint)

    @property
    def size_bytes(self) -> int:
        """The bytes of all files together."""
        return sum(entry.bytes for entry in self.files)


def dump_record(record: Record) -> bytes:
    """Return the bytes of record.json: the record's fields and a checksum over them.

    Raises:
        TypeError: summary, identity or provenance hold values that JSON does not know.
        ValueError: for NaN or infinity; a number that could not be measured is None.
    """
    body = record.model_dump()
    body["checksum"] = sha256_json(body)
    return json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()


def load_record(data: bytes) -> Record:
    """Return the record that `dump_record` wrote.

    Raises:
        ValueError: the bytes are no record, or were truncated or altered.
    """
    body = json.loads(data)
    if not isinstance(body, dict):
        raise ValueError("record.json is not a JSON object")
    checksum = body.pop("checksum", None)
    if checksum != sha256_json(body):
        raise ValueError("record.json does not match its checksum")
    return Record.model_validate(body)
