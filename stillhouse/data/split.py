"""Puts each row into one split by a hash of its content, and drops from the others what repeats a test row.

A grown data set keeps every old row in its split.
"""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillhouse.data.draws import draw_keys
from stillhouse.data.drop_messages import describe, explain, note_examples
from stillhouse.data.duplicates import Finding, components, same_answer
from stillhouse.data.group_split import Groups, check_groups, no_groups, read_groups
from stillhouse.data.held_out import Findings, check_test_source, check_validation_source, find_leaks, of_validation
from stillhouse.data.parquet_io import TableWriter, batches, conversations, dropped_batch
from stillhouse.data.row import DROPPED_SCHEMA
from stillhouse.data.row_checks import Drop
from stillhouse.data.row_index import INDEXED, RowIndex, remaining
from stillhouse.data.summaries import SplitSummary
from stillhouse.data.text_similarity import near_pairs
from stillhouse.data.token_table import Flags, Hashes, Ints
from stillhouse.errors import DataError
from stillhouse.recipe.data import Data

SPLITS = ("train", "validation", "test", "examples")
_TRAIN, _VALIDATION, _TEST, _EXAMPLES = range(4)
_FEW = 5  # test rows of a label
SplitCodes = npt.NDArray[np.int8]  # one a row: an index into SPLITS


def split(rows: Path, data: Data, has_test: bool, out: Path, *, has_groups: bool = False) -> SplitSummary:
    """Write `out`/{train,validation,test,examples,dropped}.parquet, and return the counts.

    `rows` is what validate wrote. Without a test source, a share of the train rows with a label or a reference is held
    out. Near-duplicates join the split of the earliest of them, and so do the rows of a group (`has_groups`: some have
    one); examples are always for training. Rows of other splits that repeat a test row, or are of its group, are
    dropped, and training rows that repeat a row of `data.validation`; test rows are never dropped, except for
    `max_test_rows`.

    Raises:
        DataError: test and training are (mostly) the same rows, or validation and test are, a split that is needed is
            empty, or all test rows are of one group.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = rows / "rows.parquet"
    index, draws = _index(path, out)
    groups = read_groups(path) if has_groups else no_groups(index.num_rows)
    pairs = _near(index, data)
    assigned = _assign(index, draws, data, has_test, groups)
    _join_near(index, assigned, np.concatenate([pairs, groups.links(~index.held_out)]))
    assigned[(assigned == _TEST) & ~index.has_reference & ~index.of_source("test")] = _TRAIN
    if has_test:
        check_test_source(index, assigned == _TEST)
    check_validation_source(index)
    findings, near_test = _leaks(index, assigned, data=data, pairs=pairs, groups=groups)
    findings |= _over_caps(draws, assigned, index.of_source("validation"), findings, data)
    counts, examples = _write(path, assigned, describe(findings, index, [path]), out)
    dropped = dict(sorted(Counter(found.reason for found in findings.values()).items()))
    assert sum(counts.values()) + len(findings) == index.num_rows, "every row has one split or is dropped"
    _check_counts(counts, explain(dropped, examples, "train"), data, has_test)
    _check_own(counts, index, explain(dropped, examples, "validation"))
    if not has_test:
        _check_classes(index, assigned)
    measured = remaining(assigned == _TEST, findings)
    check_groups(measured, groups)
    return SplitSummary(
        rare_in_test=_rare(index, measured),
        num_in=index.num_rows,
        **counts,
        dropped=dropped,
        examples_dropped=examples,
        near_test=near_test,
    )


def _index(path: Path, scratch: Path) -> tuple[RowIndex, Hashes]:
    """Return the index of all rows, and the two numbers by which each is drawn."""
    index, draws = RowIndex(scratch), []
    for batch in batches(path, INDEXED):
        dialogues = list(conversations(batch))
        index.add(batch, dialogues)
        draws.append(draw_keys(batch))
    index.seal()
    return index, np.concatenate(draws)


def _assign(index: RowIndex, draws: Hashes, data: Data, has_test: bool, groups: Groups) -> SplitCodes:
    first, second = (groups.drawn(draws)[:, column] / 2.0**64 for column in (0, 1))
    assigned = np.where(second < data.validation_fraction, _VALIDATION, _TRAIN).astype(np.int8)
    if not has_test:
        pool = index.has_reference & index.of_source("train")
        if not pool.any():
            raise DataError(
                "No row of data.train has a label or a reference, so none can be held out as test. Name a test "
                "source (data.test), or a label or reference column of data.train."
            )
        assigned[groups.with_any(pool) & index.of_source("train") & (first < data.test_fraction)] = _TEST
    assigned[index.of_source("examples")] = _EXAMPLES
    assigned[index.of_source("test")] = _TEST
    assigned[index.of_source("validation")] = _VALIDATION
    return assigned


def _near(index: RowIndex, data: Data) -> Ints:
    """Return the pairs of near-duplicates, except those that teach different labels."""
    if data.near_duplicate_similarity is None:
        return np.empty((0, 2), np.int64)
    pairs, _ = near_pairs(index.texts, np.arange(index.num_rows), data.near_duplicate_similarity)
    return pairs[same_answer(pairs, index.labels, -1)]


def _join_near(index: RowIndex, assigned: SplitCodes, pairs: Ints) -> None:
    """Move what `pairs` join to the split of the earliest; one without reference can't join test: it is dropped."""
    held_out = index.held_out
    own = np.flatnonzero(~held_out)
    pairs = pairs[~held_out[pairs].any(axis=1)]
    group = components(pairs, len(assigned))
    rows = np.unique(pairs)
    rows = rows[index.of_source("train")[rows]]
    leader = np.full(len(assigned), len(assigned))
    np.minimum.at(leader, group[own], own)  # examples come before train in what validate writes
    target = assigned[leader[group[rows]]]
    target[target == _EXAMPLES] = _TRAIN
    movable = (target != _TEST) | index.has_reference[rows]
    assigned[rows[movable]] = target[movable]


def _leaks(index: RowIndex, assigned: SplitCodes, *, data: Data, pairs: Ints, groups: Groups) -> tuple[Findings, int]:
    """Return the rows to drop for a test row, then for a row of `data.validation`; and how many test rows are still
    near another."""
    is_test = assigned == _TEST
    findings, near_test = find_leaks(index, is_test, ~is_test, data=data, pairs=pairs, groups=groups)
    held = index.of_source("validation")
    if held.any():
        others = ~is_test & ~held
        others[[*findings]] = held[[*findings]] = False
        found, _ = find_leaks(index, held, others, data=data, pairs=pairs, groups=groups)
        findings |= of_validation(found)
    return findings, near_test


def _over_caps(draws: Hashes, assigned: SplitCodes, own: Flags, drops: Findings, data: Data) -> Findings:
    """Return the rows beyond the recipe's caps: those of largest hash, so that a raised cap keeps the old rows.

    There is no cap on `own`, the rows of `data.validation`.
    """
    # of both halves together, since each alone has decided the split
    order = draws[:, 0] ^ draws[:, 1]
    found: Findings = {}
    for cap, name, members in (
        (data.max_train_rows, "max_train_rows", (_TRAIN, _VALIDATION)),
        (data.max_test_rows, "max_test_rows", (_TEST,)),
    ):
        if cap:
            rows = remaining(np.isin(assigned, members) & ~own, drops)
            beyond = rows[np.argsort(order[rows], kind="stable")[cap:]]
            found |= {row: Finding(row, f"over_{name}", -1) for row in beyond.tolist()}
    return found


def _write(
    path: Path, assigned: SplitCodes, drops: dict[int, Drop], out: Path
) -> tuple[dict[str, int], dict[str, str]]:
    """Write a table of each split and one of what is dropped; return their rows, and a dropped row of each reason."""
    codes, examples = assigned.copy(), dict[str, str]()
    codes[list(drops)] = len(SPLITS)
    start = 0
    with ExitStack() as stack:
        tables = [stack.enter_context(TableWriter(out / f"{name}.parquet")) for name in SPLITS]
        dropped = stack.enter_context(TableWriter(out / "dropped.parquet", DROPPED_SCHEMA))
        for batch in batches(path):
            rows = range(start, start + batch.num_rows)
            for code, table in enumerate(tables):
                table.write(batch.filter(pa.array(codes[rows.start : rows.stop] == code)))
            left_out = dropped_batch(batch, [drops.get(row) for row in rows])
            note_examples(examples, left_out)
            dropped.write(left_out)
            start = rows.stop
        return {name: table.rows for name, table in zip(SPLITS, tables, strict=True)}, examples


def _check_counts(counts: dict[str, int], why: str, data: Data, has_test: bool) -> None:
    gone = f"\nDropped were:{why}" if why else ""
    if not counts["test"]:
        raise DataError(
            "The split leaves no test row. Add labelled rows to data.train, raise data.test_fraction "
            f"({data.test_fraction}), or name a test source (data.test).{gone}"
        )
    if not counts["train"]:
        change = "" if has_test else f", or lower data.test_fraction ({data.test_fraction})"
        raise DataError(f"The split leaves no training row. Add rows to data.train that are not in test{change}.{gone}")
    if data.validation_fraction and not counts["validation"]:
        raise DataError(
            "The split leaves no validation row. Add rows to data.train, raise data.validation_fraction "
            f"({data.validation_fraction}), or set it to 0 to do without.{gone}"
        )


def _check_own(counts: dict[str, int], index: RowIndex, why: str) -> None:
    if index.of_source("validation").any() and not counts["validation"]:
        raise DataError(
            "The split leaves no row of data.validation, since all are like test rows. Name a file of other rows."
            f"\nDropped were:{why}"
        )


def _rare(index: RowIndex, measured: Ints) -> dict[str, int]:
    """Return the number of test rows of each label that has too few to say how well it is learnt."""
    found = Counter(index.labels[measured].tolist())
    counts = {label: found[code] for label, code in index.label_names.items() if label is not None}
    return {label: number for label, number in sorted(counts.items()) if number < _FEW}


def _check_classes(index: RowIndex, assigned: SplitCodes) -> None:
    classes = index.labels_of(np.flatnonzero(assigned == _TEST))
    # one of the names is None, of rows without a label
    if len(classes) == 1 and len(index.label_names) > 2:
        raise DataError(
            f"one class only: the held-out test rows have just {classes.pop()!r}. Add rows of the other labels, raise "
            "data.test_fraction, or name a test source (data.test)."
        )
