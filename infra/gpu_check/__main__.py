"""Checks a machine with a GPU and writes a report: `make gpu-check`, or `python -m infra.gpu_check`.

With `--look` it only says whether there is a GPU. Exit codes: 0 all steps passed, 1 some did not, 2 no GPU.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer

from infra.gpu_check.checks import all_steps
from infra.gpu_check.place import Place
from infra.gpu_check.results import CheckReport, as_json, as_markdown
from infra.gpu_check.steps import run_steps
from stillhouse.repository import ROOT
from stillhouse.runtime.code_version import version_line
from stillhouse.runtime.machine import Machine, engine_machine, find_machine
from stillhouse.runtime.settings import load_settings

REPORTS = ROOT / ".stillhouse" / "gpu-check"
NO_GPU = (
    "gpu-check: nvidia-smi lists no GPU here (or CUDA_VISIBLE_DEVICES leaves none), so nothing was checked. Run it on "
    "a machine with an NVIDIA GPU and its driver."
)
NO_CUDA = (
    "gpu-check: there is a GPU, but the engine environment at {python} is for CPUs, so nothing was checked. Remove "
    ".venv/engine and run make gpu-check again."
)
_LIBRARIES = ("torch", "vllm", "transformers", "trl", "peft", "bitsandbytes", "accelerate")


def main(arguments: Sequence[str]) -> int:
    """Check this machine and return the exit code."""
    if not find_machine().gpus:
        typer.echo(NO_GPU, err=True)
        return 2
    if "--look" in arguments:
        return 0
    python = load_settings().engine_python
    machine = engine_machine(python)
    if not machine.gpus:
        typer.echo(NO_CUDA.format(python=python), err=True)
        return 2
    return check(machine, python, REPORTS)


def check(machine: Machine, python: Path, reports: Path) -> int:
    """Run all steps, write report.json and report.md into `reports`, and return the exit code."""
    started, place = datetime.now(UTC), Place(reports / "work", python, machine)
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir(parents=True)
    steps = tuple(run_steps(all_steps(place), typer.echo))
    report = CheckReport(
        code=version_line(),
        started=f"{started:%Y-%m-%d %H:%M} UTC",
        gpus=tuple(gpu.name for gpu in machine.gpus),
        libraries=library_versions(python),
        steps=steps,
    )
    (reports / "report.json").write_text(as_json(report), encoding="utf-8")
    (reports / "report.md").write_text(as_markdown(report), encoding="utf-8")
    # models and stores of the check; the report has what they showed
    shutil.rmtree(place.folder, ignore_errors=True)
    typer.echo(f"Report: {reports / 'report.md'}")
    return 1 if report.num_failed else 0


def library_versions(python: Path) -> Mapping[str, str]:
    """Return the versions of what trains and serves in the engine's environment; none if it does not say."""
    source = (
        "from importlib.metadata import distributions\n"
        "for one in distributions(): print(one.metadata['Name'].lower(), one.version)"
    )
    asked = subprocess.run([str(python), "-c", source], capture_output=True, text=True, check=False)
    found = dict(line.split(maxsplit=1) for line in asked.stdout.splitlines() if " " in line)
    return {name: found[name] for name in _LIBRARIES if name in found}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
