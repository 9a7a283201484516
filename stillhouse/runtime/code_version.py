"""Which Stillhouse this is: a fingerprint of its own code.

Machines that share a run must run the same code: another one may ask under other keys, and its answers would never be
found.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from stillhouse.repository import ROOT

_SOURCES = (ROOT / "stillhouse", ROOT / "tasks")


def source_sha256(folders: Sequence[Path] = _SOURCES) -> str:
    """Return the SHA-256 (hex) over names and contents of all Python files below `folders`."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{folder.name}/{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()
