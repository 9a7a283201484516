"""Finds training rows that hold a test row, or most of one, without taking a template for a leak.

A run of words that stands in many rows (a greeting, an instruction, a form) gives no test row away, and a few words in
common are everyone's. A row that holds a whole test question is a leak however often that question occurs.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from stillhouse.data.duplicates import Finding, same_answer
from stillhouse.data.row_texts import TextTables, covered
from stillhouse.data.token_table import WORD, Flags, Hashes, Ints, Runs, token_worth

_COMMON = 4  # a run in more rows than this, of training and test together, is common
_SHARE = 0.75  # of the words of the shorter row that a leak holds
_BITS = 26  # 64 MiB of flags rule out nearly all runs before the exact look-up


@dataclass
class TestRuns:
    """The distinct runs of the test rows, in order of their hashes, and the whole questions."""

    hashes: Hashes
    num_rows: Ints  # rows with it, of test and of training as far as they are counted
    owners: pl.DataFrame  # run, of: each run and a test row with it
    questions: pl.DataFrame  # run (of the question), offset (of the run in it), length, whole (hash), of (test row)
    flags: Flags = field(init=False)

    def __post_init__(self) -> None:
        self.flags = np.zeros(1 << _BITS, bool)
        self.flags[self.hashes >> np.uint64(64 - _BITS)] = True

    def find(self, hashes: Hashes) -> Ints:
        """Return the number of the test run that each of `hashes` is; -1 for none."""
        numbers = np.full(len(hashes), -1)
        maybe = np.flatnonzero(self.flags[hashes >> np.uint64(64 - _BITS)])
        if len(maybe):
            places = np.minimum(np.searchsorted(self.hashes, hashes[maybe]), len(self.hashes) - 1)
            numbers[maybe] = np.where(self.hashes[places] == hashes[maybe], places, -1)
        return numbers

    def is_rare(self, numbers: Ints) -> Flags:
        """Return which of the runs stand in so few rows that they can give a test row away."""
        return np.asarray((numbers >= 0) & (self.num_rows[numbers] <= _COMMON))

    def own_worth(self, chunk: Runs) -> Ints:
        """Return what each token is worth, in sixths of a word: nothing in a common run."""
        numbers = self.find(chunk.hashes)
        is_common = (numbers >= 0) & ~self.is_rare(numbers)
        return np.where(covered(chunk.starts, chunk.ends, is_common, len(chunk.flat)), 0, token_worth(chunk.flat))


def run_overlap(training: Ints, test: Ints, texts: TextTables, labels: Ints, words: int) -> Iterator[Finding]:
    """Yield the rows of `training` that hold a whole test question, or share most of their words in runs with a row.

    Runs of `words` words count. They must make up three quarters of the shorter of the two rows, common runs aside,
    and the labels (-1: none) may not differ.
    """
    runs = _test_runs(test, texts, words)
    if not len(runs.hashes) or not len(training):
        return
    found: dict[int, Finding] = {}
    pairs = []
    for part, table in enumerate(texts.spoken):
        for chunk in table.runs(training, words):
            numbers = runs.find(chunk.hashes)
            hits = np.flatnonzero(numbers >= 0)
            seen = pl.DataFrame({"run": numbers[hits], "row": chunk.rows[hits]}).unique()
            runs.num_rows += np.bincount(seen["run"].to_numpy(), minlength=len(runs.hashes))
            pairs.append(seen.filter(pl.Series(runs.num_rows[seen["run"].to_numpy()] <= _COMMON)))
            found |= {one.row: one for one in _whole(chunk, hits, numbers, runs.questions, part)}
    seen = pl.concat(pairs)
    suspects = np.unique(seen["row"].to_numpy()[runs.is_rare(seen["run"].to_numpy())])
    suspects = np.setdiff1d(suspects, np.fromiter(found, np.int64, len(found)))
    found |= {one.row: one for one in _mostly(suspects, runs, texts, labels, words)}
    yield from (found[row] for row in sorted(found))


def _test_runs(test: Ints, texts: TextTables, words: int) -> TestRuns:
    hashes, rows, offsets = [np.empty(0, np.uint64)], [np.empty(0, np.int64)], [np.empty(0, np.int32)]
    questions: list[pl.DataFrame] = []
    for table in texts.spoken:
        for chunk in table.runs(test, words):
            hashes.append(chunk.hashes)
            rows.append(chunk.rows)
            if table is texts.asked:
                offsets.append((chunk.starts - chunk.offsets[chunk.texts]).astype(np.int32))
                questions.append(_questions(chunk))
    owner = np.concatenate(rows)
    distinct, numbers = np.unique(np.concatenate(hashes), return_inverse=True)
    order = np.lexsort((owner, numbers))
    run, of = numbers[order], owner[order]
    fresh = np.ones(len(run), bool)  # not the same run of the same row again
    fresh[1:] = (run[1:] != run[:-1]) | (of[1:] != of[:-1])
    num_rows = np.bincount(run[fresh], minlength=len(distinct))
    owners = pl.DataFrame({"run": run[fresh], "of": of[fresh]})
    found = _rarest(pl.concat(questions), np.concatenate(offsets), numbers, num_rows) if len(distinct) else owners
    is_alone = np.all(
        [np.ones(len(texts.asked.lengths), bool), *(one.lengths == 0 for one in texts.spoken[1:])], axis=0
    )
    return TestRuns(distinct, num_rows, owners, found.filter(pl.Series(is_alone[found["of"].to_numpy()])))


def _questions(chunk: Runs) -> pl.DataFrame:
    """Return the questions with a run: how many runs, tokens, the hash of all tokens, and the test row."""
    texts, counts = np.unique(chunk.texts, return_counts=True)
    starts, ends = chunk.offsets[texts], chunk.offsets[texts + 1]
    whole = chunk.spans(starts, ends)
    return pl.DataFrame({"runs": counts, "length": ends - starts, "whole": whole, "of": chunk.taken[texts]})


def _rarest(questions: pl.DataFrame, offsets: Ints, numbers: Ints, num_rows: Ints) -> pl.DataFrame:
    """Return the distinct questions, each with the rarest of its runs and the place of that, to find it again by.

    `offsets` and `numbers` are of all runs of the questions, one question after the other.
    """
    if not len(questions):
        return questions
    firsts = np.concatenate([[0], np.cumsum(questions["runs"].to_numpy())])[:-1].astype(np.int64)
    ranked = (num_rows[numbers[: len(offsets)]] << 40) | np.arange(len(offsets))
    best = np.minimum.reduceat(ranked, firsts) & ((1 << 40) - 1)
    found = questions.with_columns(run=pl.Series(numbers[best]), offset=pl.Series(offsets[best].astype(np.int64)))
    return found.unique(["run", "offset", "length", "whole"], keep="first", maintain_order=True)


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


def _mostly(suspects: Ints, runs: TestRuns, texts: TextTables, labels: Ints, words: int) -> Iterator[Finding]:
    """Yield those of `suspects` whose runs of one test row are most of the shorter of both."""
    rare = runs.owners.filter(pl.Series(runs.is_rare(runs.owners["run"].to_numpy())))
    size = np.zeros(len(labels), np.int64)
    shared = []
    for part, table in enumerate(texts.spoken):
        for chunk in table.runs(suspects, words):
            worth = runs.own_worth(chunk)
            size[chunk.taken] += _sums(chunk, worth)
            shared.append(_shared(chunk, worth, runs.find(chunk.hashes), rare).with_columns(part=part))
    if not shared:
        return
    pairs = pl.concat(shared)
    pairs = pairs.with_columns(pl.col("shared").sum().over("row", "of")).filter(pl.col("shared") >= words * WORD)
    tests = pairs["of"].unique().sort().to_numpy()
    for table in texts.spoken:
        for chunk in table.runs(tests, words):
            size[chunk.taken] += _sums(chunk, runs.own_worth(chunk))
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
