"""Puts each row into one split by a hash of its content, and drops from the others what repeats a test row.

A grown data set keeps every old row in its split.
"""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillhouse.data.contamination import exact_overlap, near_overlap, ngram_overlap
from stillhouse.data.duplicates import Finding, components
from stillhouse.data.parquet_io import TableWriter, batches, dropped_batch, user_texts
from stillhouse.data.row import DROPPED_SCHEMA, normalise
from stillhouse.data.text_similarity import Ints, Words, WordTable, near_pairs
from stillhouse.errors import DataError
from stillhouse.recipe.data import Data

VERSION = 1
SPLITS = ("train", "validation", "test", "examples")
_TRAIN, _VALIDATION, _TEST, _EXAMPLES = range(4)
SplitCodes = npt.NDArray[np.int8]  # one a row: an index into SPLITS


class _Content:
    """What split remembers of all rows while it decides: numbers and ids, no texts."""

    def __init__(self, path: Path) -> None:
        words, ids = Words(), []
        self.label_names: dict[str | None, int] = {None: 0}
        digests, sources, has_reference, labels = [], [], [], []
        for batch in batches(path, ["id", "content_sha256", "messages", "references", "label", "source"]):
            words.add([normalise(text) for text in user_texts(batch)])
            ids.append(batch.column("id"))
            raw = bytes.fromhex("".join(batch.column("content_sha256").to_pylist()))
            digests.append(np.frombuffer(raw, ">u8").reshape(-1, 4)[:, :2].astype(np.uint64))
            sources += batch.column("source").to_pylist()
            labels += [self.label_names.setdefault(name, len(self.label_names)) for name in _names(batch)]
            has_reference.append(pc.list_value_length(batch.column("references")).to_numpy(False) > 0)
        self.words: WordTable = words.seal()
        self.ids = pa.chunked_array(ids)
        self.keys = np.concatenate(digests)
        self.sources = np.array(sources)
        self.labels = np.array(labels, dtype=np.int32)  # 0: none
        self.has_reference = np.concatenate(has_reference) | (self.labels > 0)


def _names(batch: pa.RecordBatch) -> list[str | None]:
    return list(batch.column("label").to_pylist())


def split(rows: Path, data: Data, has_test: bool, out: Path) -> dict[str, Any]:
    """Write `out`/{train,validation,test,examples,dropped}.parquet; return the counts, the drops and a check.

    `rows` is what validate wrote. Without a test source, a share of the train rows with a label or a reference is held
    out. Near-duplicates join the split of the earliest of them; examples are always for training. Rows of other splits
    that repeat a test row are dropped; test rows are never dropped, except for `max_test_rows`. The summary's
    `near_test` counts the test rows that a last search, with its own seed, still finds near a row of another split.

    Raises:
        DataError: test and training are (mostly) the same rows, or a split that is needed is empty.
    """
    out.mkdir(parents=True, exist_ok=True)
    content = _Content(rows / "rows.parquet")
    pairs = _near(content, data)
    assigned = _assign(content, data, has_test)
    _join_near(content, assigned, pairs)
    if has_test:
        _check_overlap(content, assigned)
    drops, near_test = _contaminated(content, assigned, data, pairs)
    drops |= _over_caps(content, assigned, drops, data)
    counts = _write(rows / "rows.parquet", assigned, drops, content, out)
    dropped = Counter(found.reason for found in drops.values())
    assert sum(counts.values()) + sum(dropped.values()) == len(assigned), "every row has one split or is dropped"
    _check_counts(counts, dropped, data, has_test)
    if not has_test:
        _check_classes(content, assigned)
    return {"in": len(assigned), **counts, "dropped": dict(sorted(dropped.items())), "near_test": near_test}


def _assign(content: _Content, data: Data, has_test: bool) -> SplitCodes:
    first, second = (content.keys[:, column] / 2.0**64 for column in (0, 1))
    assigned = np.where(second < data.validation_fraction, _VALIDATION, _TRAIN).astype(np.int8)
    if not has_test:
        pool = content.has_reference & (content.sources == "train")
        if not pool.any():
            raise DataError(
                "No row of data.train has a label or a reference, so none can be held out as test. Name a test "
                "source (data.test), or a label or reference column of data.train."
            )
        assigned[pool & (first < data.test_fraction)] = _TEST
    assigned[content.sources == "examples"] = _EXAMPLES
    assigned[content.sources == "test"] = _TEST
    return assigned


def _near(content: _Content, data: Data) -> Ints:
    if data.near_duplicate_threshold == 1.0:
        return np.empty((0, 2), np.int64)
    return near_pairs(content.words, np.arange(len(content.keys)), data.near_duplicate_threshold)[0]


def _join_near(content: _Content, assigned: SplitCodes, pairs: Ints) -> None:
    """Move near-duplicates to the split of the earliest; one without reference can't join test: it is dropped."""
    own = np.flatnonzero(content.sources != "test")
    pairs = pairs[(content.sources[pairs] != "test").all(axis=1)]
    group = components(pairs, len(assigned))
    rows = np.unique(pairs)
    rows = rows[content.sources[rows] == "train"]
    leader = np.full(len(assigned), len(assigned))
    np.minimum.at(leader, group[own], own)  # examples come before train in what validate writes
    target = assigned[leader[group[rows]]]
    target[target == _EXAMPLES] = _TRAIN
    movable = (target != _TEST) | content.has_reference[rows]
    assigned[rows[movable]] = target[movable]


def _check_overlap(content: _Content, assigned: SplitCodes) -> None:
    keys = content.keys[:, 0]
    test, train = keys[assigned == _TEST], keys[content.sources == "train"]
    shared = int(np.isin(test, keys[assigned != _TEST]).sum())
    if set(test.tolist()) == set(train.tolist()):
        raise DataError(
            f"data.test equals data.train: the same {len(test)} rows. A test needs rows that training never saw; name "
            "another file, or leave data.test out to hold a share of data.train out."
        )
    if shared * 2 > len(test):
        raise DataError(
            f"data.test overlaps the training data: {shared} of its {len(test)} rows are in both. Name a test "
            "file of other rows, or leave data.test out to hold a share of data.train out."
        )


def _contaminated(content: _Content, assigned: SplitCodes, data: Data, pairs: Ints) -> tuple[dict[int, Finding], int]:
    test = np.flatnonzero(assigned == _TEST)
    near_test = 0
    drops = {found.row: found for found in exact_overlap(_training(assigned, {}), test, content.keys[:, 0])}
    if data.near_duplicate_threshold < 1.0:
        threshold = data.near_duplicate_threshold
        found, near_test = near_overlap(_training(assigned, drops), test, content.words, threshold, pairs)
        drops.update({finding.row: finding for finding in found})
    ngrams = ngram_overlap(_training(assigned, drops), test, content.words, data.contamination_ngram)
    drops.update({finding.row: finding for finding in ngrams})
    return drops, near_test


def _over_caps(content: _Content, assigned: SplitCodes, drops: dict[int, Finding], data: Data) -> dict[int, Finding]:
    """Return the rows beyond the recipe's caps: those of largest hash, so that a raised cap keeps the old rows."""
    # of both halves together, since each alone has decided the split
    order = content.keys[:, 0] ^ content.keys[:, 1]
    found: dict[int, Finding] = {}
    for cap, name, members in (
        (data.max_train_rows, "max_train_rows", (_TRAIN, _VALIDATION)),
        (data.max_test_rows, "max_test_rows", (_TEST,)),
    ):
        if not cap:
            continue
        mask = np.isin(assigned, members)
        mask[list(drops)] = False
        rows = np.flatnonzero(mask)
        beyond = rows[np.argsort(order[rows], kind="stable")[cap:]]
        found |= {int(row): Finding(int(row), f"over_{name}", -1) for row in beyond}
    return found


def _training(assigned: SplitCodes, drops: dict[int, Finding]) -> Ints:
    mask = assigned != _TEST
    mask[list(drops)] = False
    return np.flatnonzero(mask)


def _write(path: Path, assigned: SplitCodes, drops: dict[int, Finding], content: _Content, out: Path) -> dict[str, int]:
    codes = assigned.copy()
    codes[list(drops)] = len(SPLITS)
    start = 0
    with ExitStack() as stack:
        tables = [stack.enter_context(TableWriter(out / f"{split_name}.parquet")) for split_name in SPLITS]
        lost = stack.enter_context(TableWriter(out / "dropped.parquet", DROPPED_SCHEMA))
        for batch in batches(path):
            batch_codes = codes[start : start + batch.num_rows]
            for code, table in enumerate(tables):
                table.write(batch.filter(pa.array(batch_codes == code)))
            gone = [drops[start + at] for at in np.flatnonzero(batch_codes == len(SPLITS)).tolist()]
            if gone:
                details = [_detail(found, content) for found in gone]
                reasons = [found.reason for found in gone]
                lost.write(dropped_batch(batch.filter(pa.array(batch_codes == len(SPLITS))), reasons, details))
            start += batch.num_rows
        return {split_name: table.rows for split_name, table in zip(SPLITS, tables, strict=True)}


def _detail(found: Finding, content: _Content) -> str:
    if found.reason.startswith("over_"):
        return "more rows than the recipe asks for"
    return "shares a run of words with a test row" if found.of < 0 else f"of test row {content.ids[found.of].as_py()!r}"


def _check_counts(counts: dict[str, int], dropped: Counter[str], data: Data, has_test: bool) -> None:
    gone = f" ({', '.join(f'{reason}: {number}' for reason, number in sorted(dropped.items()))})" if dropped else ""
    if not counts["test"]:
        raise DataError(
            "The split leaves no test row. Add labelled rows to data.train, raise data.test_fraction "
            f"({data.test_fraction}), or name a test source (data.test)."
        )
    if not counts["train"]:
        change = "" if has_test else f", or lower data.test_fraction ({data.test_fraction})"
        raise DataError(f"The split leaves no training row{gone}. Add rows to data.train that are not in test{change}.")
    if data.validation_fraction and not counts["validation"]:
        raise DataError(
            f"The split leaves no validation row{gone}. Add rows to data.train, raise data.validation_fraction "
            f"({data.validation_fraction}), or set it to 0 to do without."
        )


def _check_classes(content: _Content, assigned: SplitCodes) -> None:
    classes = set(content.labels[(assigned == _TEST) & (content.labels > 0)].tolist())
    if len(classes) == 1 and len(content.label_names) > 2:
        label = list(content.label_names)[classes.pop()]
        raise DataError(
            f"one class only: the held-out test rows have just {label!r}. Add rows of the other labels, raise "
            "data.test_fraction, or name a test source (data.test)."
        )
