"""Which modules a process loads, by Python's own import log."""

import os
import re
import subprocess
import sys

from tests.support.paths import ROOT

# of these a run that finds everything in its store needs none: each takes a quarter of a second to load, or more
HEAVY = {
    *("torch", "transformers", "datasets", "vllm", "trl", "peft", "accelerate"),
    *("sklearn", "pandas", "matplotlib", "openai", "s3fs", "botocore", "aiohttp", "phonenumbers"),
}
_LINE = re.compile(r"^import time: .*\| +(\S+)$", re.MULTILINE)


def loaded_in(log: str) -> set[str]:
    """Return the modules that a process with PYTHONPROFILEIMPORTTIME=1 or `-X importtime` wrote of."""
    return set(_LINE.findall(log))


def loaded_by(*command: str) -> set[str]:
    """Return the modules that a Python with these arguments loads, which must end well."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return loaded_in(done.stderr)
