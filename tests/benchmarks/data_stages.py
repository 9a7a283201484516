"""Measures rows a second and peak memory of the data stages, each size in a process of its own.

Run: .venv/control/bin/python tests/benchmarks/data_stages.py --rows 1000000 10000000

10 million rows take nine minutes of one core, 10 GB of disk, and less than 4 GiB of memory.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from stillhouse.data.balance import balance
from stillhouse.data.read import read
from stillhouse.data.sources import resolve
from stillhouse.data.split import split
from stillhouse.data.validate import validate
from stillhouse.recipe.data import Balance, Columns, Data, Source
from stillhouse.skills.classification import Classification

T = TypeVar("T")

CHARS = 200
BLOCK_ROWS = 10_000
MOST_MIB = 4096
LABELS = 20
NEAR_EVERY, EXACT_EVERY, BAD_EVERY = 20, 50, 1000


def write_rows(path: Path, rows: int) -> None:
    """Write rows of about 200 characters: 5 % near-duplicates, 2 % exact ones, 0.1 % broken lines."""
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    vocabulary = ["".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(20_000)]
    text = label = ""
    with open(path, "w", encoding="utf-8") as file:
        for start in range(0, rows, BLOCK_ROWS):
            # numbers for a block of rows at once: one by one they would take longer than the stages
            words = rng.integers(len(vocabulary), size=(min(BLOCK_ROWS, rows - start), CHARS // 6)).tolist()
            for row, chosen in enumerate(words, start):
                if row % BAD_EVERY == 1:
                    file.write('{"text": broken\n')
                    continue
                if row % NEAR_EVERY == 2:
                    text = text.rsplit(" ", 1)[0] + " " + vocabulary[chosen[0]]
                elif row % EXACT_EVERY != 3:
                    text = " ".join([vocabulary[word] for word in chosen])[:CHARS]
                    label = f"label-{chosen[0] % LABELS}"
                file.write(f'{{"id": {row}, "text": "{text}", "label": "{label}"}}\n')


def measure(path: Path, out: Path) -> dict[str, Any]:
    """Run all data stages over `path`; return the seconds and the peak resident memory (MiB) of each."""
    source = Source(path=str(path), columns=Columns(text="text", id="id", label="label"))
    data = Data(train=source, balance=Balance(by="label", method="temperature"))
    seconds, cpu, peaks = {}, {}, {}

    def timed(name: str, work: Callable[[], T]) -> T:
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        start, started = time.perf_counter(), time.process_time()
        result = work()
        seconds[name] = round(time.perf_counter() - start, 1)
        cpu[name] = round(time.process_time() - started, 1)
        peaks[name] = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024
        print(f"{name}: {seconds[name]} s, {cpu[name]} s of processor, {peaks[name]} MiB", file=sys.stderr, flush=True)
        return result

    files = timed("resolve", lambda: resolve(source))
    timed("read", lambda: read(source, files, "train", out / "read"))
    timed("validate", lambda: validate({"train": out / "read"}, data, Classification(), out / "validate"))
    summary = timed("split", lambda: split(out / "validate", data, False, out / "split"))
    timed("balance", lambda: balance(out / "split", data.balance, out / "balance"))
    return {"seconds": seconds, "cpu": cpu, "peaks": peaks, "near_test": summary.near_test}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure, arguments.measure.parent)))
        return
    rates = []
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "rows.jsonl"
            write_rows(path, rows)
            command = [sys.executable, __file__, "--measure", str(path)]
            result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        peak, seconds = max(result["peaks"].values()), sum(result["seconds"].values())
        rates.append(rows / sum(result["cpu"].values()))
        print(
            f"{rows:,} rows: {rates[-1]:.0f} rows a second of processor, {seconds:.0f} s in all, "
            f"peak {peak} MiB ({'met' if peak < MOST_MIB else 'missed'}: {MOST_MIB}), {result}",
            flush=True,
        )
    if len(rates) > 1:
        print(f"the rate at {arguments.rows[-1]:,} rows is {rates[-1] / rates[0]:.2f} of that at {arguments.rows[0]:,}")


if __name__ == "__main__":
    main()
