"""Memory, rate and longest silence while the prompts of many long rows are made for an endpoint, or for an engine.

    python tests/benchmarks/prompts.py [number of rows] [tokens a row] [--model FOLDER]

With `--model`, in the engine environment, prompts are rendered and tokenised by the tokenizer in FOLDER. The bounds are
4 GiB and 60 s without a word; a million rows of 1,000 tokens are 5 GB of text.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

MOST_GIB, MOST_SILENT_S = 4.0, 60.0
_LETTERS_A_TOKEN = 5
_BATCH = 1_000


def write_rows(path: Path, rows: int, tokens: int) -> None:
    """Write rows of about so many tokens, no two alike."""
    import random

    from stillhouse.data.columns import RowValues
    from stillhouse.data.parquet_io import RowBuffer, TableWriter

    rng = random.Random(0)
    # pieces of ten words, so that the rows are made faster than their prompts
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=_LETTERS_A_TOKEN - 1)) for _ in range(200_000)]
    pieces = [" ".join(words[at : at + 10]) for at in range(0, len(words), 10)]
    buffer = RowBuffer("train")
    with TableWriter(path) as table:
        for row in range(rows):
            text = " ".join(rng.choices(pieces, k=tokens // 10))
            values: RowValues = (f"row {row}", f"{row:064x}", [{"role": "user", "content": text}], [], None, "{}", None)
            buffer.add(values)
            if len(buffer) == _BATCH:
                table.write(buffer.take())
        table.write(buffer.take())


class Silence:
    """The longest time between two signs of life."""

    def __init__(self) -> None:
        self.longest_s, self._last = 0.0, time.monotonic()

    def beat(self, *_: object) -> None:
        """Note a sign of life."""
        now = time.monotonic()
        self.longest_s, self._last = max(self.longest_s, now - self._last), now


def prepare(rows: Path, folder: Path, model: str | None, silence: Silence) -> int:
    """Make all requests as a generation's worker does, and return their number."""
    from stillhouse.recipe.teacher import Teacher
    from stillhouse.teachers.api_requests import ChatRequests
    from stillhouse.teachers.requests import PreparedRequests, rows_of
    from tests.support.api.requests import spec, teacher

    free = {"output": {"kind": "free"}}
    asked = spec(folder, teacher(**free), 1).model_copy(update={"rows": (str(rows),)})
    if model:
        asked = asked.model_copy(update={"teacher": Teacher(model=model, **free), "model_path": model})
        return len(PreparedRequests(asked, silence.beat).requests)
    return len(ChatRequests(asked, rows_of(asked), silence.beat, silence.beat).all)


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("tokens", type=int, nargs="?", default=1_000)
    parser.add_argument("--model")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "many.parquet"
        # in a process of its own: what it takes is none of the peak
        writer = multiprocessing.get_context("spawn").Process(target=write_rows, args=(path, asked.rows, asked.tokens))
        writer.start()
        writer.join()
        silence, started = Silence(), time.monotonic()
        number = prepare(path, Path(name), asked.model, silence)
        seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    is_met = peak <= MOST_GIB and silence.longest_s <= MOST_SILENT_S
    print(
        f"{number:,} prompts of {asked.tokens:,} tokens in {seconds:.0f} s ({number / seconds:.0f} a second), peak "
        f"{peak:.2f} GiB, silent for {silence.longest_s:.1f} s at most: {'met' if is_met else 'missed'}"
    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
