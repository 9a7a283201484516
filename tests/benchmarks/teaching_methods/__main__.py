"""Ways to teach one student, compared at equal seconds of training and over several seeds.

    python -m tests.benchmarks.teaching_methods RECIPE --layers 24 10 --seconds 120 --seeds 3 [--set PATH=VALUE]

The recipe's first student is trained by each method on the same examples, and measured on the validation rows whose
answer is known; no test row is read. The first training of a method and a number of layers takes a few steps and
measures how many fit the seconds. Prints one line a method: the share of right answers as the mean over seeds, of each
seed, and its 95 % interval over rows for the least and the best seed.
"""

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from scipy.stats import binomtest

from deployments.foreground import prepare
from stillhouse.recipe.load import find_recipe
from tests.benchmarks.teaching_methods.methods import METHODS, Cell, changes_of

ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / ".stillhouse" / "teaching"
CALIBRATION_STEPS = 12


class Taught(NamedTuple):
    """One student."""

    right: int
    rows: int
    seconds: float
    steps: int


def main() -> None:
    """Teach by every cell and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="name or path")
    parser.add_argument("--layers", type=int, nargs="+", default=[24, 10])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--seconds", type=float, default=120.0, help="of training, for each student")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], help="as of `stillhouse run`")
    args = parser.parse_args()
    changes = {name: yaml.safe_load(value) for name, _, value in (one.partition("=") for one in args.set)}
    process = prepare(args.recipe, changes)
    # Prefect is read after it is made quiet
    from tests.benchmarks.teaching_methods.taught import taught

    def teach(cell: Cell, seed: int, steps: int) -> Taught:
        fields = yaml.safe_load(Path(find_recipe(args.recipe)).read_text(encoding="utf-8"))
        own = changes | changes_of(fields, cell, seed, steps)
        found: dict[str, Any] = process.run(taught, recipe=args.recipe, changes=own)
        return Taught(*(found[name] for name in Taught._fields))

    for layers in args.layers:
        for cell in (Cell(method, layers) for method in args.methods):
            noted = OUT / f"{Path(args.recipe).stem}-{cell.name}.json"
            if not noted.is_file():
                OUT.mkdir(parents=True, exist_ok=True)
                first = teach(cell, 0, CALIBRATION_STEPS)
                noted.write_text(json.dumps(first.seconds / first.steps))
            steps = max(1, round(args.seconds / json.loads(noted.read_text())))
            print(line(cell, [teach(cell, seed, steps) for seed in range(args.seeds)]), flush=True)


def line(cell: Cell, found: list[Taught]) -> str:
    """Return a line of the table."""
    values = sorted(one.right / one.rows for one in found)
    low, high = (interval(found, share) for share in (values[0], values[-1]))
    each = ", ".join(f"{one.right / one.rows:.3f}" for one in found)
    seconds = sum(one.seconds for one in found) / len(found)
    ends, mean = f"{low.low:.3f} to {high.high:.3f}", sum(values) / len(values)
    return f"| {cell.method} | {cell.layers} | {mean:.3f} | {each} | {ends} | {found[0].steps} | {seconds:.0f} s |"


def interval(found: list[Taught], share: float) -> Any:
    """Return Wilson's 95 % interval of a share of the rows."""
    return binomtest(round(share * found[0].rows), found[0].rows).proportion_ci(method="wilson")


if __name__ == "__main__":
    main()
