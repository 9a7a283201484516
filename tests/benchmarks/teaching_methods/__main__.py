"""Ways to teach one student, compared at equal seconds of training and over several seeds.

    python -m tests.benchmarks.teaching_methods RECIPE --layers 24 10 --seconds 120 --seeds 3 [--set PATH=VALUE]

The recipe's first student is trained by each method on the same examples; no other student, opponent or gate is run.
The first run of a method and a number of layers takes a few steps and measures how many fit the seconds. Prints one
line a method: the mean over seeds, each seed, and the widest of their intervals over test rows. To choose a method,
give the rows of choice as test rows: for the demo `--set data.test.path=demo/development.jsonl
--set data.validation=null --set data.validation_fraction=0`.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from stillhouse.artifacts.store import open_store
from stillhouse.recipe.load import find_recipe
from stillhouse.runtime.settings import load_settings
from tests.benchmarks.teaching_methods.methods import METHODS, Cell, recipe_of

ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / ".stillhouse" / "teaching"
CALIBRATION_STEPS = 12


class Trained(NamedTuple):
    """One student of a run."""

    value: float
    low: float
    high: float
    seconds: float
    steps: int


def main() -> None:
    """Run every cell and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="name or path")
    parser.add_argument("--layers", type=int, nargs="+", default=[24, 10])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--seconds", type=float, default=120.0, help="of training, for each student")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], help="as of `stillhouse run`")
    args = parser.parse_args()
    path = Path(find_recipe(args.recipe))
    for layers in args.layers:
        for method in args.methods:
            cell = Cell(method, layers)
            steps = max(1, round(args.seconds / seconds_a_step(path, cell, args.set)))
            found = trained(path, cell, tuple(range(args.seeds)), steps, args.set)
            print(line(cell, found), flush=True)


def seconds_a_step(recipe: Path, cell: Cell, changes: list[str]) -> float:
    """Return how long a step takes here, measured once."""
    OUT.mkdir(parents=True, exist_ok=True)
    noted = OUT / f"{recipe.stem}-{cell.name}.json"
    if not noted.is_file():
        (only,) = trained(recipe, cell, (0,), CALIBRATION_STEPS, changes)
        noted.write_text(json.dumps(only.seconds / only.steps))
    return float(json.loads(noted.read_text()))


def trained(recipe: Path, cell: Cell, seeds: tuple[int, ...], steps: int, changes: list[str]) -> list[Trained]:
    """Return one student a seed, with its quality on the test rows."""
    fields = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    # beside the original: its paths are relative to it
    path = recipe.with_name(f".{recipe.stem}-{cell.name}.yaml")
    path.write_text(yaml.safe_dump(recipe_of(fields, cell, seeds, steps), sort_keys=False), encoding="utf-8")
    command = [sys.executable, "-m", "deployments.cli", "run", str(path)]
    try:
        done = subprocess.run(
            [*command, *(word for change in changes for word in ("--set", change))],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    finally:
        path.unlink()
    named = re.search(r"runs/([^/\s]+)/report\.html", done.stdout)
    assert named, done.stdout
    report = json.loads(open_store(load_settings().store).read_text(f"runs/{named[1]}/report.json"))
    return [of_student(report, role) for role in report["students"]]


def of_student(report: dict[str, Any], role: str) -> Trained:
    """Return what a report says of a student."""
    quality = report["models"][role]["quality"][report["comparison"]["primary_metric"]]
    training = report["students"][role]["training"]
    return Trained(quality["value"], quality["low"], quality["high"], training["seconds"], training["steps"])


def line(cell: Cell, found: list[Trained]) -> str:
    """Return a line of the table."""
    values = [one.value for one in found]
    mean = sum(values) / len(values)
    low, high = min(one.low for one in found), max(one.high for one in found)
    seconds = sum(one.seconds for one in found) / len(found)
    each = ", ".join(f"{value:.3f}" for value in values)
    return (
        f"| {cell.method} | {cell.layers} | {mean:.3f} | {each} | {low:.3f} to {high:.3f} | {found[0].steps} | "
        f"{seconds:.0f} s |"
    )


if __name__ == "__main__":
    main()
