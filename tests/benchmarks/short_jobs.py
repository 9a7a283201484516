"""What a run costs that has nothing to do: seconds from the command to its first stage and to its end.

    python -m tests.benchmarks.short_jobs [--rounds 5] [--against CHECKOUT] [--folder FOLDER]

A small pipeline runs once on the real engine, with a teacher and students of a few random weights, and fills a store.
Then the same command runs again and again with every stage cached, each time as a new process that starts a temporary
Prefect server. `--against` names another checkout of this repository, whose command runs in turn with this one's.
Prints each run and the medians; 5 s to the first stage and 8 s to the end are the bounds, on a machine with nothing
else to do. CPU seconds are of all processes of a command: they tell more than the clock where others work too.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.support.paths import ROOT
from tests.support.pipeline import MODEL, OWN_VALIDATION, Pipeline

BOUNDS = {"first stage": 5.0, "end": 8.0}
# the first line that a stage prints
FIRST = "read train"


class Times(NamedTuple):
    """Seconds of one command."""

    first_stage: float
    end: float
    cpu: float

    def __str__(self) -> str:
        return f"first stage {self.first_stage:5.1f} s, end {self.end:5.1f} s, CPU {self.cpu:5.1f} s"


def main() -> None:
    """Fill a store, or take a filled one, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--against", type=Path, default=None, help="another checkout, measured in turn")
    parser.add_argument("--folder", type=Path, default=None, help="keep the store here, and use it if it is there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        pipeline = filled(arguments.folder or Path(name))
        checkouts = {"this": ROOT} | ({"other": arguments.against.resolve()} if arguments.against else {})
        measure(pipeline, checkouts, arguments.rounds)


def filled(folder: Path) -> Pipeline:
    """Return a pipeline whose stages are all stored."""
    pipeline = Pipeline(folder, model=folder / "tiny.gguf", threads=1)
    if not (folder / "recipe.yaml").exists():
        from stillhouse.runtime.settings import load_settings

        command = [load_settings().engine_python, "-m", "tests.support.workers.tiny_gguf", MODEL, pipeline.model]
        subprocess.run(command, cwd=ROOT, env=pipeline.environment, check=True)
        pipeline.write(data=OWN_VALIDATION)
        pipeline.run()
    return pipeline


def measure(pipeline: Pipeline, checkouts: dict[str, Path], rounds: int) -> None:
    """Print the times of every checkout's command, in turns, and the medians."""
    found: dict[str, list[Times]] = {name: [] for name in checkouts}
    for name, checkout in checkouts.items():
        run(pipeline, checkout)  # warm: files in memory, modules compiled
        print(f"{name}: {checkout}", flush=True)
    for number in range(rounds):
        for name in list(checkouts) if number % 2 == 0 else reversed(checkouts):
            found[name].append(run(pipeline, checkouts[name]))
            print(f"round {number + 1} {name}: {found[name][-1]}", flush=True)
    for name, times in found.items():
        print(f"{name}, medians of {rounds}: {Times(*map(statistics.median, zip(*times, strict=True)))}")
    first, end, _ = map(statistics.median, zip(*found["this"], strict=True))
    for what, seconds in (("first stage", first), ("end", end)):
        print(f"{what} {seconds:.1f} s (bound {BOUNDS[what]:g}: {'met' if seconds <= BOUNDS[what] else 'missed'})")


def run(pipeline: Pipeline, checkout: Path) -> Times:
    """Run a checkout's command to its end and return its times.

    Raises:
        SystemExit: it failed, or a stage was built.
    """
    began = time.monotonic()
    command = [sys.executable, "-m", "deployments.cli", "run", str(pipeline.folder / "recipe.yaml")]
    environment = pipeline.environment | {"PYTHONPATH": str(checkout)}
    process = subprocess.Popen(
        command, cwd=checkout, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout
    lines, first = [], 0.0
    for line in process.stdout:
        first = first or (time.monotonic() - began if line.startswith(FIRST) else 0.0)
        lines.append(line)
    # with all children that it has waited for: the server too
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not first or any(" built " in line for line in lines):
        raise SystemExit(f"This was no cached run:\n{''.join(lines)}")
    return Times(first, time.monotonic() - began, usage.ru_utime + usage.ru_stime)


if __name__ == "__main__":
    main()
