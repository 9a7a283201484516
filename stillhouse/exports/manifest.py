"""export.json, the description that lies in every export's folder."""

import json
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from stillhouse.artifacts.fingerprint import sha256_file
from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.config import StrictModel
from stillhouse.errors import ModelError
from stillhouse.exports.formats import FORMATS, ExportFormat

MANIFEST = "export.json"


class ExportedFile(StrictModel):
    """One file of an export."""

    sha256: str
    size_bytes: int


class Manifest(StrictModel):
    """What an export is, and what its files were when it was made."""

    schema_version: Literal[1] = 1
    format: str
    precision: str
    kind: Literal["causal_lm", "encoder"]
    student: ArtifactRef  # the stage that trained it
    tools: dict[str, str]  # package -> version, of those that converted it
    files: dict[str, ExportedFile] = Field({})  # by their path in the folder; all but this file
    weights: tuple[str, ...]  # those of them that hold weights

    @property
    def described(self) -> ExportFormat:
        """The format's description."""
        return FORMATS[self.format]

    @property
    def size_bytes(self) -> int:
        """The bytes of all files."""
        return sum(file.size_bytes for file in self.files.values())

    @property
    def weight_bytes(self) -> int:
        """The bytes of the files with weights."""
        return sum(self.files[name].size_bytes for name in self.weights)


def list_files(folder: Path) -> dict[str, ExportedFile]:
    """Return the files below `folder` but the manifest, by their path in it."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    return {
        path.relative_to(folder).as_posix(): ExportedFile(sha256=sha256_file(path), size_bytes=path.stat().st_size)
        for path in found
    }


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into the folder of its export."""
    content = manifest.model_dump(mode="json")
    (folder / MANIFEST).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of an export's folder.

    Raises:
        ModelError: there is none, it is damaged, or it is of a format that is not known here.
    """
    path = folder / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ModelError(f"{folder} is no export: it has no {MANIFEST}. Name the folder of an export.") from None
    except ValidationError as error:
        raise ModelError(f"{path} is damaged ({error.error_count()} wrong fields): fetch the export again.") from error
    if manifest.format not in FORMATS:
        known = ", ".join(FORMATS)
        raise ModelError(f"{path} names the format {manifest.format}; known here are {known}. Update Stillhouse.")
    return manifest


def changed_files(folder: Path, manifest: Manifest) -> list[str]:
    """Return the files that are missing, new or other than when the export was made, each with what is wrong."""
    now = list_files(folder)
    missing = [f"{name} is missing" for name in manifest.files.keys() - now.keys()]
    new = [f"{name} was added" for name in now.keys() - manifest.files.keys()]
    changed = [
        f"{name} was changed" for name in now.keys() & manifest.files.keys() if now[name] != manifest.files[name]
    ]
    return sorted(missing + new + changed)
