"""An interpreter that says it is another version, for the scripts that make environments."""

import shlex
import sys
from pathlib import Path

SCRIPT = """#!/bin/sh
case $1 in
--version) echo Python {dotted} ;;
-m) echo "$@" >>{log} ;;
-c) exec {real} -c {start} "$2" ;;
esac
"""
START = """import sys, types
sys.version_info = {version}
{unlike}
exec(sys.argv[1])"""
WITHOUT_VENV = "sys.modules['ensurepip'] = None"
CPU_TORCH = "sys.modules['torch'] = types.SimpleNamespace(version=types.SimpleNamespace(cuda=None))"
CUDA_TORCH = "sys.modules['torch'] = types.SimpleNamespace(version=types.SimpleNamespace(cuda='13.0'))"


def write_python(path: Path, version: tuple[int, int, int], unlike: str = "pass") -> Path:
    """A program at `path` that runs code as Python `version`; the modules that it is run as are kept beside it.

    Args:
        path: its place; the folder is made.
        version: what sys.version_info is to the code.
        unlike: code that makes it unlike the Python of the tests.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    start = shlex.quote(START.format(version=version, unlike=unlike))
    dotted, log = ".".join(map(str, version)), shlex.quote(str(path.with_suffix(".log")))
    path.write_text(SCRIPT.format(dotted=dotted, log=log, real=shlex.quote(sys.executable), start=start))
    path.chmod(0o755)
    return path
