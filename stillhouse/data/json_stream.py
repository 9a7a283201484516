"""Cuts a JSON text of many values into pieces, each one row's, without parsing the whole.

An array can be larger than memory, and can be damaged in one place: a broken value is a piece of its own, and the
values after it are found again. At most one piece (MAX_LINE_BYTES) and two blocks are in memory.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from stillhouse.data.lines import MAX_LINE_BYTES
from stillhouse.errors import DataError

# where the rows are: in one array, one after the other, or in the one list of an object
Layout = Literal["array", "values", "wrapped"]
Piece = tuple[int, bytes]  # its first line, from 1, and its bytes

# a string, or a bracket. No string goes on over the end of a line; without its end it goes on in the next block
_TOKEN = re.compile(rb'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+("|\\?\n)?|[{}\[\]]')
_OPENS = {b"}": b"{", b"]": b"["}
_AROUND: dict[Layout, list[bytes]] = {"values": [], "array": [b"["], "wrapped": [b"{", b"["]}


def pieces(blocks: Iterable[bytes], layout: Layout, name: str) -> Iterator[Piece]:
    """Yield each value of the text called `name`; a broken value's bytes are no JSON.

    A piece longer than MAX_LINE_BYTES is cut to MAX_LINE_BYTES + 1 bytes.

    Raises:
        DataError: the text ends inside the array, or holds several lists of rows.
    """
    splitter = _Splitter(_AROUND[layout], name)
    for block in blocks:
        yield from splitter.feed(block)
    yield from splitter.finish()


def first_piece(head: bytes, layout: Layout, name: str) -> bytes:
    """Return the first whole value of the text that begins with `head`; empty if there is none."""
    return next((raw for _, raw in _Splitter(_AROUND[layout], name).feed(head)), b"")


class _Splitter:
    """What is known at one place of the text."""

    def __init__(self, around: list[bytes], name: str) -> None:
        self.around = around  # the open brackets where a row can start
        self.name = name
        self.buffer = b""
        self.open: list[bytes] = []
        self.row = -1  # where the present row started; -1: between rows
        self.outside: list[bytes] = []  # the open brackets around the present row
        self.done = 0  # where the last one ended
        self.head = b""  # of a row that is too long, whose beginning the buffer has no more
        self.line, self.counted = 1, 0  # the line of the place `counted`
        self.lists, self.list_of_rows = 0, 0
        self._unscanned = 0  # bytes at the buffer's end that begin a string

    def feed(self, block: bytes) -> Iterator[Piece]:
        """Yield the pieces that end in the next block of the text."""
        at = len(self.buffer) - self._unscanned
        self.buffer += block
        self._unscanned = 0
        for token in _TOKEN.finditer(self.buffer, at):
            if token[0][:1] != b'"':
                yield from self._bracket(token[0], token.start(), token.end())
            elif token[1] is None:
                self._unscanned = len(self.buffer) - token.start()
                break
            elif token[1] != b'"' and (self.row >= 0 or self.open == self.around):
                yield from self._broken(token.end())
        self._forget()

    def finish(self) -> Iterator[Piece]:
        """Yield what is left where the text ends."""
        if self.around and self.open:
            raise DataError(
                f"{self.name} is cut short: a bracket of its JSON array is never closed. Copy or write it again, or "
                "mend its last lines."
            )
        yield from self._piece(len(self.buffer))

    def _bracket(self, token: bytes, start: int, end: int) -> Iterator[Piece]:
        if token in b"{[":
            # objects may also follow an array
            if self.row < 0 and (self.open == self.around or (not self.open and token != self.around[0])):
                yield from self._piece(start)
                self.row, self.outside = start, list(self.open)
                self._check_list()
            self.open.append(token)
            if self.row < 0:
                self.done = end
                self.lists += self.open == self.around
        elif not self.open or self.open[-1] != _OPENS[token]:
            if self.row >= 0:
                yield from self._broken(end)
        else:
            if self.row < 0 and self.open == self.around and not self._is_other_list():
                yield from self._piece(start)
            self.open.pop()
            if self.row >= 0 and self.open == self.outside:
                yield from self._piece(end)
            elif self.row < 0:
                self.done = end

    def _broken(self, end: int) -> Iterator[Piece]:
        self.open = list(self.outside) if self.row >= 0 else self.open
        yield from self._piece(end)

    def _piece(self, end: int) -> Iterator[Piece]:
        """Yield the present row, or what stands between two rows and should not."""
        start = self.done if self.row < 0 else self.row
        raw = self.head or self.buffer[start:end].strip(b" \t\r\n,")
        if raw:
            yield self._line_of(start), raw[: MAX_LINE_BYTES + 1]
        self.row, self.done, self.head = -1, end, b""

    def _line_of(self, start: int) -> int:
        while self.buffer[start : start + 1] in (b" ", b"\t", b"\r", b"\n", b","):
            start += 1
        if start > self.counted:
            self.line += self.buffer.count(b"\n", self.counted, start)
            self.counted = start
        return self.line

    def _is_other_list(self) -> bool:
        """Return whether this is a list beside that of the rows, as of names."""
        return len(self.around) == 2 and self.lists != self.list_of_rows

    def _check_list(self) -> None:
        self.list_of_rows = self.list_of_rows or self.lists
        if self.list_of_rows != self.lists:
            raise DataError(
                f"{self.name} holds one JSON object with several lists of objects. Write each list to a file of its "
                "own, and name the file of each source."
            )

    def _forget(self) -> None:
        """Drop what is scanned, but for the present row; of one that is too long its beginning is kept."""
        scanned = len(self.buffer) - self._unscanned
        if self._unscanned > MAX_LINE_BYTES:
            raise DataError(
                f"{self.name} holds a text of more than {MAX_LINE_BYTES} bytes near line {self.line}. Shorten it."
            )
        if self.row >= 0 and scanned - self.row > MAX_LINE_BYTES:
            self._line_of(self.row)
            self.head = self.head or self.buffer[self.row : self.row + MAX_LINE_BYTES + 1]
            self.row, self.done = scanned, scanned
        keep = min(scanned, self.done if self.row < 0 else self.row)
        if keep > self.counted:
            self.line += self.buffer.count(b"\n", self.counted, keep)
            self.counted = keep
        self.buffer = self.buffer[keep:]
        self.counted -= keep
        self.done, self.row = max(0, self.done - keep), self.row - keep if self.row >= 0 else -1
