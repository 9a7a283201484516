"""Stillhouse's own version, its commit, and a fingerprint of its code.

Machines that share a run must run the same code: other code may store completions under other keys, where no one looks.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
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


def commit(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the commit of this code: an image's from STILLHOUSE_COMMIT, a clone's from git; None if neither knows."""
    if built_from := environment.get("STILLHOUSE_COMMIT"):
        return built_from
    git = shutil.which("git", path=environment.get("PATH"))
    if git is None:
        return None
    done = subprocess.run([git, "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def version_line() -> str:
    """Return `stillhouse <version>`, with the first 12 digits of the commit if it is known."""
    known = commit()
    return f"stillhouse {version('stillhouse')}" + (f" (commit {known[:12]})" if known else "")
