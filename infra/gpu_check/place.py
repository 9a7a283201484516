"""Where a check works: a store, scratch and models of its own, and the public commands run there."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from stillhouse.errors import WorkerError
from stillhouse.repository import ROOT
from stillhouse.runtime.machine import Machine
from stillhouse.runtime.process import run_worker

_MOST_S = 2 * 3600


@dataclass(frozen=True)
class Place:
    """A check's folder, the engine's Python, and the machine."""

    folder: Path
    engine_python: Path
    machine: Machine

    @property
    def environment(self) -> Mapping[str, str]:
        """What a command of Stillhouse gets: it shares no store with the user's runs."""
        own = {"STILLHOUSE_STORE": self.folder / "store", "STILLHOUSE_WORK": self.folder / "work"}
        engine = {"STILLHOUSE_ENGINE_PYTHON": self.engine_python, "PYTHONPATH": ROOT}
        return {**os.environ, **{name: str(value) for name, value in (own | engine).items()}}

    def stillhouse(self, *arguments: str) -> str:
        """Return what a command prints.

        Raises:
            WorkerError: it failed, or took two hours.
        """
        command = [sys.executable, "-m", "deployments.cli", *arguments]
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=_MOST_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise WorkerError(f"stillhouse {' '.join(arguments)} took longer than {_MOST_S} s") from None
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise WorkerError(f"stillhouse {' '.join(arguments)} ended with code {done.returncode}: {last}")
        return done.stdout

    def worker(self, module: str, spec: BaseModel) -> Mapping[str, object]:
        """Return the summary of a worker in the engine's environment.

        Raises:
            UserError: as the worker reported it.
        """
        return run_worker(module, spec, python=self.engine_python)
