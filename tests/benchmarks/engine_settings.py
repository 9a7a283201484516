"""What compiling and the number of sequences are worth: what the defaults in stillhouse/inference/vllm/sizing.py go by.

    python tests/benchmarks/engine_settings.py [--prompts 300] [--rounds 3] [--num-seqs 32 64 128 256] [--max-tokens 32]

Each setting runs in a process of its own. Prints its start, its median time, tokens a second, and for compiled engines
the tokens from which the longer start has paid for itself.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    """Measure every setting in the engine's environment, one process each."""
    from tests.benchmarks.teacher_job import run_inside

    arguments = parse()
    if arguments.one:
        measure(arguments)
    elif arguments.inside:
        compare(arguments)
    else:
        run_inside(__file__, sys.argv[1:])


def parse() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--num-seqs", type=int, nargs="+", default=[32, 64, 128, 256])
    parser.add_argument("--modes", nargs="+", default=["eager", "compiled"])
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--inside", default="", help=argparse.SUPPRESS)
    parser.add_argument("--one", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def compare(arguments: argparse.Namespace) -> None:
    """Print a line for each setting, and where a compiled engine overtakes an eager one."""
    found = {}
    for mode in arguments.modes:
        for num_seqs in arguments.num_seqs:
            command = [sys.executable, __file__, *sys.argv[1:], "--one", f"{mode}:{num_seqs}"]
            line = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().split("\n")[-1]
            one = found[mode, num_seqs] = json.loads(line)
            print(
                f"{mode:8} {num_seqs:4} sequences: start {one['start']:6.1f} s, median {one['median']:6.2f} s, "
                f"{one['tokens'] / one['median']:7.0f} tokens/s (prompt and completion)",
                flush=True,
            )
    for num_seqs in arguments.num_seqs:
        if all((mode, num_seqs) in found for mode in ("eager", "compiled")):
            print(f"{num_seqs:4} sequences: {break_even(found['eager', num_seqs], found['compiled', num_seqs])}")


def break_even(eager: dict[str, float], compiled: dict[str, float]) -> str:
    """Return from how many tokens on a compiled engine is done earlier, start included."""
    won = (eager["median"] - compiled["median"]) / eager["tokens"]
    if won <= 0:
        return "compiled is not faster here"
    return f"compiled pays from {(compiled['start'] - eager['start']) / won:,.0f} tokens on"


def measure(arguments: argparse.Namespace) -> None:
    """Print start, median seconds and tokens of one setting as JSON."""
    from tests.benchmarks import teacher_job

    mode, num_seqs = arguments.one.split(":")
    rows = teacher_job.rows(arguments.prompts)
    teacher = teacher_job.teacher(arguments.max_tokens, mode, int(num_seqs))
    chats, params = teacher_job.chats(rows, teacher), teacher_job.params(teacher)
    begun = time.perf_counter()
    llm = teacher_job.engine(Path(arguments.inside), teacher, len(rows))
    start = time.perf_counter() - begun
    times = []
    for _ in range(arguments.rounds + 1):
        llm.reset_prefix_cache()
        begun = time.perf_counter()
        answers = llm.chat(chats, params, use_tqdm=False)
        times.append(time.perf_counter() - begun)
    tokens = sum(len(answer.prompt_token_ids) + len(answer.outputs[0].token_ids) for answer in answers)
    # the first pass warms
    print(json.dumps({"start": start, "median": statistics.median(times[1:]), "tokens": tokens}))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
