"""A disk that fails once: moving an artifact into place ends with EIO where $FAULTS holds a file named as its stage.

Python imports this module first where its folder stands in PYTHONPATH.
"""

import errno
import os
from pathlib import Path

_rename = os.rename


def _failing_once(source, target, **options):
    parts = Path(os.fspath(target)).parts
    if "artifacts" in parts[:-1]:
        fault = Path(os.environ["FAULTS"], parts[parts.index("artifacts") + 1])
        if fault.exists():
            fault.unlink()
            raise OSError(errno.EIO, "Input/output error", str(target))
    return _rename(source, target, **options)


if "FAULTS" in os.environ:
    os.rename = _failing_once
