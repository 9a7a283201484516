"""What a report was made by: versions, machine, commit, time."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import psutil

from stillhouse.runtime.code_version import commit

_LIBRARIES = ("stillhouse", "prefect", "polars", "scikit-learn")


def provenance() -> dict[str, Any]:
    """Return the `provenance` block of this process and machine, now."""
    return {
        "versions": {name: version(name) for name in _LIBRARIES},
        "cpu_count": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "platform": platform.platform(),
        "commit": commit(),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
