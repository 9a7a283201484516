"""Which Stillhouse this is: a fingerprint of its own code.

Separate because machines that share a run must run the same code: another one may ask under other keys, and its
answers would never be found.
"""

import hashlib
from pathlib import Path

TASKS = Path(__file__).resolve().parents[1]


def source_sha256(folder: Path = TASKS) -> str:
    """Return the SHA-256 (hex) over names and contents of all Python files below `folder`."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()
