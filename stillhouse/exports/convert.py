"""What a format's module `convert` offers, and how an export's folder is finished."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Protocol, cast

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.errors import ModelError
from stillhouse.exports.formats import FORMATS, Kind
from stillhouse.exports.manifest import Manifest, list_files, write_manifest


@dataclass(frozen=True)
class Conversion:
    """A trained student's folder and what is made of it."""

    student: Path  # as training left it
    out: Path  # an empty folder
    work: Path  # another, for what is thrown away
    precision: str
    kind: Kind


@dataclass(frozen=True)
class Converted:
    """What a format's `convert` left in the folder."""

    weights: Sequence[str]  # the files with weights, by their path in the folder
    tools: Sequence[str]  # distributions that made them


class Converter(Protocol):
    """A format's module `convert`."""

    def convert(self, job: Conversion) -> Converted:
        """Write the model, its tokenizer and its chat template into `job.out`.

        Raises:
            ModelError: the student can't be converted.
        """


def convert(format_name: str, job: Conversion, student: ArtifactRef) -> Manifest:
    """Write an export with its manifest into `job.out`, and return the manifest.

    Raises:
        ModelError: a package is missing, or the student can't be converted.
    """
    known = FORMATS[format_name]
    family = json.loads((job.student / "config.json").read_bytes()).get("model_type", "")
    if refusal := known.refusal(job.kind, family, job.precision):
        raise ModelError(f"An export to {known.name} can't be made: the format {refusal}.")
    try:
        module = import_module(f"stillhouse.exports.{format_name}.convert")
        made = cast(Converter, module).convert(job)
    except ModuleNotFoundError as error:
        raise ModelError(f"An export to {known.name} needs {error.name}: run `make export`.") from error
    manifest = Manifest(
        format=known.name,
        precision=job.precision,
        kind=job.kind,
        student=student,
        tools={name: version(name) for name in made.tools},
        files=list_files(job.out),
        weights=tuple(sorted(made.weights)),
    )
    write_manifest(job.out, manifest)
    return manifest
