"""What validate and split remember of all rows while they decide: numbers and ids, no texts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from stillhouse.data.duplicates import content_keys
from stillhouse.data.row_texts import RowTexts, TextTables, Turns
from stillhouse.data.token_table import Flags, Hashes, Ints

# of two equal rows of the first two the one of the earlier source stays
SOURCES = ("examples", "train", "test", "validation")
# sources whose rows no model learns from: none is dropped for being like another, and others for being like these
HELD_OUT = ("test", "validation")
# the columns that a batch needs
INDEXED = ("id", "content_sha256", "messages", "references", "label", "source", "tools")
_MOST_LABELS = 5  # in a message
Number = TypeVar("Number", bound=np.generic)
_PRIME = np.uint64(0x9E3779B97F4A7C15)


class RowIndex:
    """Columns over all rows, in the order in which they were added; sealed before they are read."""

    def __init__(self, scratch: Path) -> None:
        """Start without a row; `scratch` is the folder for files while the rows are worked on."""
        self.label_names: dict[str | None, int] = {None: -1}  # label -> its code
        self.num_rows = 0
        self._texts = RowTexts(scratch)
        self._ids: list[pa.Array] = []
        self._keys: list[Hashes] = []
        self._answers: list[Hashes] = []
        self._labels: list[Ints] = []
        self._tools: list[Hashes] = []
        self._sources: list[npt.NDArray[np.int8]] = []

    def add(self, batch: pa.RecordBatch, dialogues: Sequence[Turns]) -> None:
        """Add the rows of `batch`, whose turns are `dialogues`."""
        self.num_rows += batch.num_rows
        self._texts.add(dialogues)
        self._ids.append(batch.column("id"))
        self._keys.append(content_keys(batch.column("content_sha256").to_pylist())[:, 0])
        codes = self.label_names
        labels = [codes.setdefault(label, len(codes) - 1) for label in batch.column("label").to_pylist()]
        self._labels.append(np.array(labels, np.int64))
        self._answers.append(_answers(batch.column("references"), self._labels[-1]))
        sources = pc.index_in(batch.column("source"), pa.array(SOURCES))
        self._tools.append(_hashes(batch.column("tools")))
        self._sources.append(sources.to_numpy().astype(np.int8))

    def seal(self) -> None:
        """Make the columns of all rows added."""
        self.texts: TextTables = self._texts.seal()
        self.ids = pa.chunked_array(self._ids)
        self.keys = _joined(self._keys)  # equal for the same text
        self.answers = _joined(self._answers)  # equal for the same references and label; 0: none
        self.tools = _joined(self._tools)  # equal for the same tools; 0: none
        self.labels = _joined(self._labels)  # codes; -1: none
        self.sources = _joined(self._sources)
        self.has_reference = self.answers != 0

    def of_source(self, source: str) -> Flags:
        """Return which rows are of a source: train, examples, test or validation."""
        return np.asarray(self.sources == SOURCES.index(source))

    @property
    def held_out(self) -> Flags:
        """Which rows are of a source that no model learns from."""
        return np.asarray(np.isin(self.sources, [SOURCES.index(source) for source in HELD_OUT]))

    def labels_of(self, rows: Ints) -> set[str]:
        """Return the labels that any of `rows` has."""
        names = [name for name in self.label_names if name is not None]
        return {names[code] for code in np.unique(self.labels[rows]).tolist() if code >= 0}

    def label_counts(self, rows: Ints) -> str:
        """Return the most frequent labels of `rows`, as text with how many rows have each."""
        names = list(self.label_names)[1:]
        common = Counter(self.labels[rows].tolist()).most_common(_MOST_LABELS)
        return ", ".join(f"{names[code]!r} ({count})" for code, count in common)


def remaining(mask: Flags, dropped: Iterable[int]) -> Ints:
    """Return the rows of `mask` that are not dropped."""
    left = mask.copy()
    left[list(dropped)] = False
    return np.flatnonzero(left)


def _joined(parts: list[npt.NDArray[Number]]) -> npt.NDArray[Number]:
    """Return the parts as one array; they are given up, since of ten million rows they take as much again."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole


def _hashes(texts: pa.Array) -> Hashes:
    """Return a hash of each text, 0 for null."""
    if texts.null_count == len(texts):
        return np.zeros(len(texts), np.uint64)
    hashes = pl.select(pl.Series(texts, dtype=pl.String).hash(0)).to_series()
    return np.where(texts.is_valid().to_numpy(zero_copy_only=False), hashes.to_numpy(), 0).astype(np.uint64)


def _answers(references: pa.Array, labels: Ints) -> Hashes:
    """Return a hash of each row's references and label, 0 for none."""
    lists = pl.Series(references, dtype=pl.List(pl.String))
    hashes = pl.select(pl.when(lists.list.len() > 0).then(lists.list.join("\x1f").hash(0)).otherwise(0)).to_series()
    return np.asarray(hashes.to_numpy() ^ ((labels + 1).astype(np.uint64) * _PRIME), dtype=np.uint64)
