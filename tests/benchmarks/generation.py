"""Tokens a second of the pipeline's generation against one bare `LLM.chat` on the same prompts in the same engine.

    python tests/benchmarks/generation.py [--prompts 500] [--rounds 5] [--max-tokens 32]

Both ways run in one process and one engine, in turns; the engine's prefix cache is emptied before each. The
pipeline's way includes rendering, keys, look-up, segments and the answers' table. Prints each round, both medians of
completion tokens a second, their ratio, for which 0.97 is the bound, and the longest that no answer was stored while
some came, for which 10 s is.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

BOUND = 0.97
MOST_APART_S = 10.0


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
    """Print the rates of both ways, in turns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from stillhouse.data.row import ROW_SCHEMA
    from tests.benchmarks import teacher_job

    folder = Path(arguments.inside)
    rows = teacher_job.rows(arguments.prompts)
    pq.write_table(pa.Table.from_pylist(rows, schema=ROW_SCHEMA), folder / "rows.parquet")
    teacher = teacher_job.teacher(arguments.max_tokens, arguments.mode, arguments.num_seqs)
    chats, params = teacher_job.chats(rows, teacher), teacher_job.params(teacher)
    llm = teacher_job.engine(folder, teacher, len(rows))

    def bare(number: int) -> int:
        found = llm.chat(chats, params, use_tqdm=False)
        return sum(len(answer.outputs[0].token_ids) for answer in found)

    def pipeline(number: int) -> int:
        summary = generate_through_pipeline(folder, teacher, number, llm)
        assert summary["generated"] == len(rows), summary
        return int(summary["completion_tokens"])

    bare(0)  # warm
    rates = alternate(llm, {"bare": bare, "pipeline": pipeline}, arguments.rounds)
    print(f"{len(rows)} prompts, {verdict(rates, longest_gap(folder / 'store'))}")


def alternate(llm: Any, ways: dict[str, Callable[[int], int]], rounds: int) -> dict[str, list[float]]:
    """Return the completion tokens a second of each way by round; every second round is in reverse order."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in list(ways) if number % 2 == 0 else reversed(ways):
            llm.reset_prefix_cache()
            begun = time.perf_counter()
            tokens = ways[name](number)
            seconds = time.perf_counter() - begun
            rates[name].append(tokens / seconds)
            print(f"round {number + 1} {name}: {tokens} tokens in {seconds:.2f} s", flush=True)
    return rates


def longest_gap(store: Path) -> float:
    """Return the longest time between two segments of one round, in seconds; 0 where no round took two."""
    rounds: dict[Path, list[float]] = {}
    for segment in store.rglob("*.parquet"):
        rounds.setdefault(segment.parent, []).append(segment.stat().st_mtime)
    return max((later - one for times in rounds.values() for one, later in pairwise(sorted(times))), default=0.0)


def verdict(rates: dict[str, list[float]], gap_s: float) -> str:
    """Return the medians, their ratio, and whether the bounds are met."""
    bare, pipeline = (statistics.median(rates[name]) for name in ("bare", "pipeline"))
    return (
        f"medians of {len(rates['bare'])}: bare {bare:.1f} tokens/s, pipeline {pipeline:.1f} tokens/s, ratio "
        f"{pipeline / bare:.3f} (bound {BOUND:g}: {'met' if pipeline >= BOUND * bare else 'missed'}); segments at most "
        f"{gap_s:.1f} s apart (bound {MOST_APART_S:g}: {'met' if gap_s <= MOST_APART_S else 'missed'})"
    )


def generate_through_pipeline(folder: Path, teacher: Any, number: int, llm: Any) -> dict[str, Any]:
    """Generate as the worker does, under a teacher of its own, and return what it took."""
    from stillhouse.artifacts.store import StoreConfig
    from stillhouse.runtime.worker import Reporter
    from stillhouse.skills.classification import Classification
    from stillhouse.teachers.engine_worker import generate
    from stillhouse.teachers.spec import GenerateSpec
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
        return generate(spec, Reporter(nowhere), start=lambda *args, **settings: llm)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
