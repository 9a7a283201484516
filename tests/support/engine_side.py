"""Runs a module of tests/support/workers in the engine environment, whose findings a test reads."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from stillhouse.repository import ROOT
from stillhouse.runtime.settings import load_settings


def run_engine_side(module: str, folder: Path) -> Path:
    """Run `tests.support.workers.<module>` on one thread with `folder`, which must end well; return the folder."""
    command = [str(load_settings().engine_python), "-m", f"tests.support.workers.{module}", str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return folder


def read_checks(folder: Path) -> dict[str, Any]:
    """Return what the module found out."""
    found: dict[str, Any] = json.loads((folder / "checks.json").read_text())
    return found
