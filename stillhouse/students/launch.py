"""Starts a training that takes several processes: by accelerate, with a profile of infra/training."""

import ctypes
import os
import signal
import sys
from pathlib import Path

from stillhouse.recipe.training import TrainingExecution
from stillhouse.repository import ROOT
from stillhouse.runtime.worker import is_launched
from stillhouse.students.spec import TrainSpec

TRAIN_WORKER = "stillhouse.students.worker"
_PR_SET_PDEATHSIG = 1


def launch_command(execution: TrainingExecution, worker: str, spec: str, python: str = "python") -> list[str]:
    """Return the command that starts a worker's module on a spec file, in the repository's folder.

    The port is one that is free: several trainings may run on a machine.
    """
    if execution.processes == 1:
        return [python, "-m", worker, spec]
    launcher = [
        python,
        "-m",
        "accelerate.commands.launch",
        "--config_file",
        f"infra/training/{execution.sharding}.yaml",
    ]
    several = ["--num_processes", str(execution.processes), "--main_process_port", "0", "--module"]
    return [*launcher, *several, worker, spec]


def become_launcher(worker: str, spec: str) -> None:
    """Go on as the launcher of several processes, if the spec asks for them; return in each of these, or if not."""
    if is_launched():
        # the launcher starts each in a session of its own, out of reach of a kill of its group
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        return
    execution = TrainSpec.model_validate_json(Path(spec).read_text()).training.execution
    if execution.processes > 1:
        os.chdir(ROOT)
        os.execv(sys.executable, launch_command(execution, worker, spec, sys.executable))
