"""What the pipeline's generation costs over one bare `LLM.chat` on the same prompts in the same engine.

    python tests/benchmarks/generation.py [--prompts 500] [--rounds 5] [--max-tokens 32]

Both ways run in one process and one engine, in turns; the engine's prefix cache is emptied before each. The
pipeline's way includes rendering, keys, look-up, segments and the answers' table. Prints each time, both medians and
their ratio.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    """Start the measuring in the engine's environment, on the demo's converted teacher."""
    from tests.benchmarks.teacher_job import run_inside

    arguments = parse()
    if arguments.inside:
        measure(arguments)
    else:
        run_inside(__file__, sys.argv[1:])


def parse() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--mode", choices=["eager", "compiled"], default="eager")
    parser.add_argument("--num-seqs", type=int, default=0)
    parser.add_argument("--inside", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(arguments: argparse.Namespace) -> None:
    """Print the times of both ways, in turns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tasks.data.row import ROW_SCHEMA
    from tests.benchmarks import teacher_job

    folder = Path(arguments.inside)
    rows = teacher_job.rows(arguments.prompts)
    pq.write_table(pa.Table.from_pylist(rows, schema=ROW_SCHEMA), folder / "rows.parquet")
    teacher = teacher_job.teacher(arguments.max_tokens, arguments.mode, arguments.num_seqs)
    chats, params = teacher_job.chats(rows, teacher), teacher_job.params(teacher)
    llm = teacher_job.engine(folder, teacher, len(rows))

    def bare(number: int) -> None:
        llm.chat(chats, params, use_tqdm=False)

    def pipeline(number: int) -> None:
        generated = generate_through_pipeline(folder, teacher, number, llm)
        assert generated == len(rows), generated

    bare(0)  # warm
    times = alternate(llm, {"bare": bare, "pipeline": pipeline}, arguments.rounds)
    medians = {name: statistics.median(found) for name, found in times.items()}
    print(
        f"{len(rows)} prompts, medians of {arguments.rounds}: bare {medians['bare']:.2f} s, "
        f"pipeline {medians['pipeline']:.2f} s, ratio {medians['pipeline'] / medians['bare']:.3f}"
    )


def alternate(llm: Any, ways: dict[str, Callable[[int], None]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each way by round; every second round is in reverse order."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in list(ways) if number % 2 == 0 else reversed(ways):
            llm.reset_prefix_cache()
            begun = time.perf_counter()
            ways[name](number)
            times[name].append(time.perf_counter() - begun)
            print(f"round {number + 1} {name}: {times[name][-1]:.2f} s", flush=True)
    return times


def generate_through_pipeline(folder: Path, teacher: Any, number: int, llm: Any) -> int:
    """Generate as the worker does, into a store of its own, and return the number of answers."""
    from tasks.artifacts.store import StoreConfig
    from tasks.recipe.skill import Classification
    from tasks.runtime.worker import Reporter
    from tasks.teachers.spec import GenerateSpec
    from tasks.teachers.worker import generate
    from tests.benchmarks.teacher_job import LABELS

    out = folder / f"out{number}"
    out.mkdir()
    spec = GenerateSpec(
        model_path=str(folder / "model"),
        teacher=teacher,
        teacher_fingerprint=f"{number:064d}",
        skill=Classification(),
        labels=LABELS,
        skip_labelled=True,
        rows=(str(folder / "rows.parquet"),),
        examples=None,
        store=StoreConfig(url=str(folder / "store")),
        out=str(out),
    )
    with open(os.devnull, "w") as nowhere:
        return int(generate(spec, Reporter(nowhere), start=lambda *args, **settings: llm)["generated"])


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
