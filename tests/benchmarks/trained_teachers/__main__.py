"""A chain for one skill: a teacher trained on gold rows, then students of its answers on prompts without labels.

    python -m tests.benchmarks.trained_teachers SKILL [FOLDER_OF_DATA]

Writes data and recipes under .stillhouse/chains/SKILL, runs both and prints the figures of docs/results.md. `math` and
`qa` make their data; the others read a folder, which is not shipped with the project.
"""

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from stillhouse.artifacts.store import open_store
from stillhouse.runtime.settings import load_settings
from tests.benchmarks.trained_teachers import arithmetic, labels, qa, summaries
from tests.benchmarks.trained_teachers.figures import figures
from tests.benchmarks.trained_teachers.recipes import (
    ROOT,
    Chain,
    student_recipe,
    teacher_recipe,
    write_data,
    write_recipe,
)

OUT = ROOT / ".stillhouse" / "chains"
CHAINS: dict[str, Callable[[Path | None], Chain]] = {
    "banking77": labels.banking77,
    "math": arithmetic.chain,
    "qa": qa.chain,
    "sick": labels.sick,
    "summarization": summaries.chain,
}


def main() -> None:
    """Run the chain of one skill and print its figures."""
    parser = argparse.ArgumentParser(
        prog="trained_teachers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("skill", choices=CHAINS)
    parser.add_argument("folder", type=Path, nargs="?", help="folder of the data, for skills that do not make it")
    parser.add_argument("--data-only", action="store_true", help="write the data and the teacher's recipe, and end")
    args = parser.parse_args()
    chain, out = CHAINS[args.skill](args.folder), OUT / args.skill
    write_data(chain, out)
    teacher = write_recipe(teacher_recipe(chain), out / "teacher.yaml")
    if args.data_only:
        return
    begin = time.monotonic()
    run_id = run(teacher)
    trained = time.monotonic()
    students = run(write_recipe(student_recipe(chain, run_id), out / "students.yaml"))
    print(f"teacher {minutes(begin, trained)} min, students {minutes(trained, time.monotonic())} min")
    print(figures(open_store(load_settings().store), students))


def run(recipe: Path) -> str:
    """Run a recipe and return the run's id."""
    command = [sys.executable, "-m", "deployments.cli", "run", str(recipe)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout, flush=True)
    found = re.search(r"runs/([^/\s]+)/report\.html", done.stdout)
    assert found, "the last line of a run names its report"
    return found[1]


def minutes(begin: float, end: float) -> str:
    """Return the time between in minutes."""
    return f"{(end - begin) / 60:.1f}"


if __name__ == "__main__":
    main()
