"""What validate and split remember of all rows while they decide: numbers and ids, no texts."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillhouse.data.duplicates import content_keys
from stillhouse.data.row import normalise
from stillhouse.data.text_similarity import Ints, Words, WordTable

SOURCES = ("examples", "train", "test")  # of two equal rows the one of the earlier source stays
# the columns that a batch needs
INDEXED = ("id", "content_sha256", "messages", "references", "label", "source")

Flags = npt.NDArray[np.bool_]


class RowIndex:
    """Columns over all rows, in the order in which they were added; sealed before they are read."""

    def __init__(self) -> None:
        self.label_names: dict[str | None, int] = {None: -1}  # label -> its code
        self.num_rows = 0
        self._words = Words()
        self._ids: list[pa.Array] = []
        self._keys: list[npt.NDArray[np.uint64]] = []
        self._labels: list[Ints] = []
        self._sources: list[npt.NDArray[np.int8]] = []
        self._has_reference: list[Flags] = []

    def add(self, batch: pa.RecordBatch, texts: Sequence[str]) -> None:
        """Add the rows of `batch`, whose prompts' texts are `texts`."""
        self.num_rows += batch.num_rows
        self._words.add([normalise(text) for text in texts])
        self._ids.append(batch.column("id"))
        self._keys.append(content_keys(batch.column("content_sha256").to_pylist()))
        codes = self.label_names
        labels = [codes.setdefault(label, len(codes) - 1) for label in batch.column("label").to_pylist()]
        self._labels.append(np.array(labels, np.int64))
        sources = pc.index_in(batch.column("source"), pa.array(SOURCES))
        self._sources.append(sources.to_numpy().astype(np.int8))
        self._has_reference.append(pc.list_value_length(batch.column("references")).to_numpy(False) > 0)

    def seal(self) -> None:
        """Make the columns of all rows added."""
        self.words: WordTable = self._words.seal()
        self.ids = pa.chunked_array(self._ids)
        self.keys = np.concatenate(self._keys)  # as content_keys, shape (rows, 2)
        self.labels = np.concatenate(self._labels)  # codes; -1: none
        self.sources = np.concatenate(self._sources)
        self.has_reference = np.concatenate(self._has_reference) | (self.labels >= 0)

    def of_source(self, source: str) -> Flags:
        """Return which rows are of a source: train, examples or test."""
        return np.asarray(self.sources == SOURCES.index(source))

    def labels_of(self, rows: Ints) -> set[str]:
        """Return the labels that any of `rows` has."""
        names = [name for name in self.label_names if name is not None]
        return {names[code] for code in np.unique(self.labels[rows]).tolist() if code >= 0}


def remaining(mask: Flags, dropped: Iterable[int]) -> Ints:
    """Return the rows of `mask` that are not dropped."""
    left = mask.copy()
    left[list(dropped)] = False
    return np.flatnonzero(left)
