"""An artifact's name: the SHA-256 over everything that decides its content, and nothing else."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stillhouse.artifacts.handle import ArtifactRef
from stillhouse.config import identity as plain_identity

Input = ArtifactRef | Sequence[ArtifactRef] | None


def fingerprint(stage: str, version: int, identity: Any, inputs: Mapping[str, Input]) -> str:
    """Return the SHA-256 (hex) over stage, stage version, identity fields and the fingerprints of the inputs.

    Raises:
        TypeError: for an identity value without a stable serialisation, or an input that is no reference.
        ValueError: for a number that JSON cannot hold (NaN, infinity).
    """
    body = {
        "stage": stage,
        "version": version,
        "identity": plain_identity(identity),
        "inputs": {name: _input_identity(name, value) for name, value in inputs.items()},
    }
    return sha256_json(body)


def describe_inputs(inputs: Mapping[str, Input]) -> dict[str, str]:
    """Return `{name: "stage/fingerprint"}` of the inputs given; item n of a list is `name[n]`, None is left out."""
    described: dict[str, str] = {}
    for name, value in inputs.items():
        if isinstance(value, ArtifactRef):
            described[name] = f"{value.stage}/{value.fingerprint}"
        elif value is not None:
            described.update({f"{name}[{n}]": f"{ref.stage}/{ref.fingerprint}" for n, ref in enumerate(value)})
    return described


def canonical_json(body: Any) -> bytes:
    """Return `body` as UTF-8 JSON with sorted keys and no spaces, the same bytes whatever the order of its keys.

    Raises:
        TypeError: for a value that JSON does not know.
        ValueError: for NaN or infinity.
    """
    return json.dumps(body, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def sha256_json(body: Any) -> str:
    """Return the SHA-256 (hex) of `body` as canonical JSON; errors are those of `canonical_json`."""
    return hashlib.sha256(canonical_json(body)).hexdigest()


def sha256_file(path: Path | str) -> str:
    """Return the SHA-256 (hex) of a file's bytes."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _input_identity(name: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, ArtifactRef):
        return [value.stage, value.fingerprint]
    if isinstance(value, list | tuple):
        return [_input_identity(name, item) for item in value]
    raise TypeError(f"input `{name}` is a {type(value).__name__}; inputs are ArtifactRefs, lists of them, or None")
