"""Time and memory of a million keys in a completion store of a million answers, and of the table generation writes.

    python tests/benchmarks/completions.py [number of answers] [answers a segment]

Prints one line a measurement; the peak is that of the whole process, in a fresh process for each. For a million keys
30 s of processor and 1 GiB are the bounds of all but the last, which holds every answer as an object, as no stage does.
Then the requests to an S3 server that 50,000 prompts take, and what compaction makes of their segments.
"""

import hashlib
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from stillhouse.artifacts.store import Store, StoreConfig
from stillhouse.completions.column_buffer import CompletionBuffer
from stillhouse.completions.completion import Completion, CompletionSlot
from stillhouse.completions.store import CompletionStore
from stillhouse.completions.table import AnswerForm
from stillhouse.runtime.collection import no_collection

TEACHER = "t" * 64
MOST_S, MOST_GIB = 30.0, 1.0


def key(n: int) -> str:
    return hashlib.sha256(str(n).encode()).hexdigest()


def answers(first: int, number: int) -> Iterator[Completion]:
    for n in range(first, first + number):
        yield Completion(
            key=key(n),
            text=f"label {n % 77}",
            finish_reason="stop",
            prompt_tokens=300,
            completion_tokens=4,
            token_ids=(n % 49152, 2, 3, 4),
            logprobs=tuple({n % 49152: -0.1, i: -2.5} for i in range(4)),
            cumulative_logprob=-0.4,
            seconds=0.5,
            teacher=TEACHER,
            created="2026-01-01T00:00:00+00:00",
        )


def measure(url: str, what: str, number: int) -> None:
    completions = CompletionStore(Store(StoreConfig(url=url)), TEACHER)
    offset = number if what == "all miss" else number - number // 100 if what == "1 % hit" else 0
    keys = [key(n + offset) for n in range(number)]
    started, begun = time.perf_counter(), time.process_time()
    if what == "answers table":
        hits = write_table(completions, keys)
    elif what == "all hit, streamed":
        hits = sum(1 for _ in completions.stream(keys, 1))
    else:
        hits = len({completion.key: completion for completion in completions.stream(keys, 1)})
    seconds, used = time.perf_counter() - started, time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    bounds = "" if what == "all hit" else f" (bounds {MOST_S:g} s, {MOST_GIB:g} GiB: {verdict(used, peak)})"
    took = f"{seconds:.1f} s, {used:.1f} s of processor"
    print(f"{what:18} {number:,} keys: {hits:,} hits in {took}, peak {peak:.2f} GiB{bounds}", flush=True)


def verdict(seconds: float, peak_gib: float) -> str:
    return "met" if seconds <= MOST_S and peak_gib <= MOST_GIB else "missed"


def write_table(completions: CompletionStore, keys: list[str]) -> int:
    """As generation does with a full store: ten labels are scored, rows come in another order than answers."""
    gathered = CompletionBuffer(keys, AnswerForm(list(range(10))))
    with no_collection():
        for answer in completions.stream(keys, 1):
            gathered.add(answer)
    slots = [CompletionSlot(f"row-{n}", 0, key) for n, key in enumerate(reversed(keys))]
    with tempfile.TemporaryDirectory() as folder:
        gathered.write(slots, Path(folder) / "completions.parquet")
        return int(pq.read_metadata(Path(folder) / "completions.parquet").num_rows)


def main() -> None:
    """Measure a full store, then the segments of one generation."""
    from tests.benchmarks.segments import measure_segments

    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 5_000
    with tempfile.TemporaryDirectory() as url:
        completions = CompletionStore(Store(StoreConfig(url=url)), TEACHER)
        started = time.perf_counter()
        for first in range(0, number, size):
            completions.append(list(answers(first, min(size, number - first))), logprobs=1)
        print(f"written: {number:,} answers in {time.perf_counter() - started:.1f} s", flush=True)
        for what in ("all miss", "1 % hit", "all hit, streamed", "answers table", "all hit"):
            process = multiprocessing.get_context("spawn").Process(target=measure, args=(url, what, number))
            process.start()
            process.join()
    measure_segments(min(number, 50_000))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
