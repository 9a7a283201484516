"""Finds a CSV file's delimiter by the number of cells: it is the one that gives most records as many as the header."""

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice

_DELIMITERS = ",;\t|"
_MOST_RECORDS = 1000
_MOST_CHARS = 1 << 18
_NAMED = re.compile(r"sep=(.)\r?$")  # the first line by which Excel names the delimiter


def find_delimiter(head: str) -> tuple[str, int]:
    """Return the delimiter of a CSV file that begins with `head`, and the number of lines before its header.

    A file whose header has one cell by every delimiter has one column, and a comma is returned.
    """
    first, _, _ = head.partition("\n")
    if named := _NAMED.match(first):
        return named[1], 1
    sample = head[:_MOST_CHARS]
    scores = {delimiter: _score(sample, delimiter) for delimiter in _DELIMITERS}
    best = max(scores, key=lambda delimiter: scores[delimiter])
    return (best if scores[best] > (0.0, 1) else ","), 0


def _score(sample: str, delimiter: str) -> tuple[float, int]:
    """Return the share of records with as many cells as the header, and that number; 0 if it is one."""
    counts = list(islice(_cell_counts(sample, delimiter), _MOST_RECORDS))
    if not counts or counts[0] < 2:
        return 0.0, 1
    return sum(count == counts[0] for count in counts) / len(counts), counts[0]


def _cell_counts(sample: str, delimiter: str) -> Iterator[int]:
    lines = io.StringIO(sample.replace("\r\n", "\n").replace("\r", "\n"))
    while True:
        try:
            cells = next(csv.reader(lines, delimiter=delimiter, strict=True))
        except StopIteration:
            return
        except csv.Error:
            continue
        if cells:
            yield len(cells)
