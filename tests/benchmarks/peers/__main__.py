"""The same prompts asked of one vLLM server by a bare async client, Stillhouse, distilabel and curator, in turns.

    python -m tests.benchmarks.peers [--prompts 300] [--rounds 1] [--max-tokens 32] [--concurrency 16]

Each is a whole process in an environment of its own: those of the two others are made with pip under .venv/peers. All
get the same number of tokens an answer and have as many requests open at once; the server is on the loopback, without
prefix caching. Each asks all prompts, and then again with a tenth more. Prints each process's seconds, those of its
asking where it tells them, the requests that the server counted, and the ratios with their bounds.
"""

import argparse
import tempfile
from pathlib import Path

from tests.benchmarks.peers.environments import make_environments
from tests.benchmarks.peers.figures import Took, verdicts
from tests.benchmarks.peers.ways import WAYS, Job, ask
from tests.benchmarks.teacher_job import convert_model, rows
from tests.support.vllm_server import serving_model

MODEL = "house-teacher"
WARM = 2  # prompts of the first process of each way, which is not counted


def main() -> None:
    """Make what is missing, start the server and measure."""
    arguments = parse()
    make_environments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = ["--max-model-len", "2048", "--max-num-seqs", str(arguments.concurrency)]
        options += ["--no-enable-prefix-caching", "--enforce-eager"]
        with serving_model(convert_model(folder), MODEL, folder / "server.txt", options=options) as address:
            measure(arguments, folder, address)


def parse() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--concurrency", type=int, default=16)
    return parser.parse_args()


def measure(arguments: argparse.Namespace, folder: Path, address: str) -> None:
    """Print the times of all ways, in turns: every second round is in reverse order."""
    number = arguments.prompts
    texts = [row["messages"][0]["content"] for row in rows(number + number // 10)]
    assert len(texts) == number + number // 10, f"there are {len(texts)} messages; give fewer --prompts"
    job = Job(folder, address, MODEL, arguments.max_tokens, arguments.concurrency)
    took: dict[str, dict[str, list[Took]]] = {"first": {}, "again": {}}
    for way in WAYS:
        ask(way, job, texts[:WARM], "warm")
    for round_number in range(arguments.rounds):
        for when, asked in (("first", texts[:number]), ("again", texts)):
            for way in WAYS if round_number % 2 == 0 else reversed(WAYS):
                found = ask(way, job, asked, f"round{round_number}")
                took[when].setdefault(way, []).append(found)
                print(f"round {round_number + 1}, {when}: {way} {found}", flush=True)
    print(f"{number} prompts of {arguments.max_tokens} tokens, {arguments.concurrency} at once; medians:")
    print("\n".join(verdicts(took)))


if __name__ == "__main__":
    main()
