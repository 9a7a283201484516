"""Finds training rows that hold a test row, or most of one, without taking a template for a leak.

A run of words that stands in many rows (a greeting, an instruction, a form) gives no test row away, and a few words in
common are everyone's. A row that holds a whole test question is a leak however often that question occurs.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from stillhouse.data.duplicates import Finding, same_answer
from stillhouse.data.held_runs import HeldRuns, RunBlock, RunRange, TellingRuns, joined
from stillhouse.data.row_texts import TextTables
from stillhouse.data.token_table import WORD, Ints, Runs

_SHARE = 0.75  # of the words of the shorter row that a leak holds
_MOST_RUNS = 1 << 26  # distinct ones of the test rows at once: they take 20 bytes each


def run_overlap(
    training: Ints, test: Ints, texts: TextTables, labels: Ints, words: int, *, most_runs: int = _MOST_RUNS
) -> Iterator[Finding]:
    """Yield the rows of `training` that hold a whole test question, or share most of their words in runs with a row.

    Runs of `words` words count. They must make up three quarters of the shorter of the two rows, common runs aside,
    and the labels (-1: none) may not differ. If the test rows have more than `most_runs` distinct runs, the training
    rows are gone through once for each so many.
    """
    runs = HeldRuns(test, texts, words)
    if not len(runs) or not len(training):
        return
    found: dict[int, Finding] = {}
    suspects: list[Ints] = []
    telling: list[RunBlock] = []
    for part in runs.ranges(most_runs):
        suspects.append(_compare(part, training, texts, words, found))
        telling += runs.telling(part)
    left = np.setdiff1d(np.concatenate(suspects), np.fromiter(found, np.int64, len(found)))
    found |= {one.row: one for one in _mostly(left, joined(telling), texts, labels, words)}
    yield from (found[row] for row in sorted(found))


def _compare(runs: RunRange, training: Ints, texts: TextTables, words: int, found: dict[int, Finding]) -> Ints:
    """Count the training rows with each of `runs`; add the rows that hold a whole test question to `found`, and return
    those with a rare run of a test row."""
    table, pairs = runs.table, []
    for part, tokens in enumerate(texts.spoken):
        for chunk in tokens.runs(training, words):
            numbers = table.find(chunk.hashes)
            hits = np.flatnonzero(numbers >= 0)
            seen = pl.DataFrame({"run": numbers[hits], "row": chunk.rows[hits]}).unique()
            table.count(seen["run"].to_numpy())
            pairs.append(seen.filter(pl.Series(table.is_rare(seen["run"].to_numpy()))).cast(pl.Int32))
            found.update({one.row: one for one in _whole(chunk, hits, numbers, runs.questions, part)})
    seen = pl.concat(pairs)
    return np.unique(seen["row"].to_numpy()[table.is_rare(seen["run"].to_numpy())]).astype(np.int64)


def _whole(chunk: Runs, hits: Ints, numbers: Ints, questions: pl.DataFrame, part: int) -> Iterator[Finding]:
    """Yield the rows of `chunk` that hold a whole test question."""
    if not len(questions) or not len(hits):
        return
    texts = chunk.texts[hits]
    limits = {"begin": chunk.offsets[texts], "limit": chunk.offsets[texts + 1]}
    held = pl.DataFrame({"run": numbers[hits], "row": chunk.rows[hits], "at": chunk.starts[hits], **limits})
    held = held.join(questions, on="run").with_columns(start=pl.col("at") - pl.col("offset"))
    held = held.with_columns(end=pl.col("start") + pl.col("length"))
    held = held.filter((pl.col("start") >= pl.col("begin")) & (pl.col("end") <= pl.col("limit")))
    same = chunk.spans(held["start"].to_numpy(), held["end"].to_numpy()) == held["whole"].to_numpy()
    columns = held.filter(pl.Series(same)).select("row", "of", "begin", "start", "end")
    for row, of, begin, start, end in columns.iter_rows():
        yield Finding(row, "contaminated_run", of, (part, start - begin, end - begin))


def _mostly(suspects: Ints, runs: TellingRuns, texts: TextTables, labels: Ints, words: int) -> Iterator[Finding]:
    """Yield those of `suspects` whose runs of one test row are most of the shorter of both."""
    size = np.zeros(len(labels), np.int64)
    shared = []
    for part, table in enumerate(texts.spoken):
        for chunk in table.runs(suspects, words):
            worth = runs.table.own_worth(chunk)
            size[chunk.taken] += _sums(chunk, worth)
            shared.append(_shared(chunk, worth, runs.table.find(chunk.hashes), runs.owners).with_columns(part=part))
    if not shared:
        return
    pairs = pl.concat(shared)
    pairs = pairs.with_columns(pl.col("shared").sum().over("row", "of")).filter(pl.col("shared") >= words * WORD)
    tests = pairs["of"].unique().sort().to_numpy()
    for table in texts.spoken:
        for chunk in table.runs(tests, words):
            size[chunk.taken] += _sums(chunk, runs.table.own_worth(chunk))
    row, of = pairs["row"].to_numpy(), pairs["of"].to_numpy()
    is_leak = pairs["shared"].to_numpy() >= _SHARE * np.minimum(size[row], size[of])
    is_leak &= same_answer(np.stack([row, of], axis=1), labels, -1)
    leaks = pairs.filter(pl.Series(is_leak)).sort("row", "shared", "of", descending=[False, True, False])
    for leak in leaks.unique("row", keep="first", maintain_order=True).iter_rows(named=True):
        yield Finding(leak["row"], "contaminated_run", leak["of"], (leak["part"], leak["start"], leak["end"]))


def _sums(chunk: Runs, worth: Ints) -> Ints:
    owners = np.repeat(np.arange(len(chunk.taken)), np.diff(chunk.offsets))
    return np.bincount(owners, weights=worth, minlength=len(chunk.taken)).astype(np.int64)


def _shared(chunk: Runs, worth: Ints, numbers: Ints, rare: pl.DataFrame) -> pl.DataFrame:
    """Return for each row and test row what the tokens of their rare runs are worth, and the first stretch of these."""
    begins = chunk.offsets[chunk.texts]
    hits = pl.DataFrame(
        {"run": numbers, "row": chunk.rows, "begin": begins, "at": chunk.starts, "until": chunk.ends}
    ).join(rare, on="run")
    hits = hits.sort("row", "of", "at")
    before = pl.col("until").shift(1).over("row", "of").fill_null(0)
    hits = hits.with_columns(fresh=pl.max_horizontal("at", before), stretch=(pl.col("at") > before).cum_sum())
    total = np.concatenate([[0], np.cumsum(worth)])
    gained = total[hits["until"].to_numpy()] - total[hits["fresh"].to_numpy()]
    hits = hits.with_columns(shared=pl.Series(gained))
    first = pl.col("stretch") == pl.col("stretch").min()
    return hits.group_by("row", "of", maintain_order=True).agg(
        pl.col("shared").sum(),
        start=pl.col("at").min() - pl.col("begin").first(),
        end=pl.col("until").filter(first).max() - pl.col("begin").first(),
    )
