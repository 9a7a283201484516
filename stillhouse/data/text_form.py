"""Finds out how a text file is written, by its content: encoding, ends of lines, delimiter, and where its rows are.

All of a file is looked at, once and fast: that it is UTF-8 is certain then, and an older encoding is judged by the very
lines that are not UTF-8.
"""

import codecs
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from stillhouse.data.csv_form import find_delimiter
from stillhouse.data.encoding import MIN_CERTAINTY, Encoding, by_mark, guess
from stillhouse.data.json_layout import JsonLayout, find_layout
from stillhouse.data.lines import MAX_LINE_BYTES, file_blocks
from stillhouse.data.sources import SourceFile
from stillhouse.errors import DataError

_HEAD_BYTES = 1 << 20
_SAMPLE_BYTES = 1 << 16  # of lines that are not UTF-8
_LAYOUTS = {"array": "a JSON array", "values": "JSON objects over several lines", "wrapped": "a list in an object"}


class TextForm(NamedTuple):
    """How a text file is written."""

    encoding: Encoding = Encoding("utf-8", 1.0)
    guess: Encoding | None = None  # another encoding, too unsure to be used
    newline: bytes = b"\n"
    delimiter: str = ","
    skipped: int = 0  # lines before the header
    layout: JsonLayout = "lines"

    @property
    def errors(self) -> str:
        """Python's error handler by which bytes that are not in the encoding come back as they were."""
        return "surrogatepass" if self.encoding.name.startswith(("utf-16", "utf-32")) else "surrogateescape"

    def raw(self, text: bytes) -> bytes:
        """Return the bytes of the file for a piece of its text in UTF-8."""
        if self.encoding.name == "utf-8":
            return text
        return text.decode("utf-8", self.errors).encode(self.encoding.name, self.errors)

    def explain_bytes(self, message: str) -> str:
        """Return what to do about bytes that are not in the encoding, after the decoder's message."""
        unsure = f"; a guess is {self.guess.name} (certainty {self.guess.certainty:.2f})" if self.guess else ""
        name = self.encoding.name
        if name == "utf-8":
            return f"{message}. This is no UTF-8{unsure}. Set `encoding` of this source if the file has another"
        return f"these bytes are not {name}. Set `encoding` of this source to the file's"

    def describe(self) -> str:
        """Return in words what is unusual; empty for UTF-8, commas and JSON Lines."""
        said = []
        if self.encoding.name != "utf-8":
            said.append(f"encoding {self.encoding.name} (certainty {self.encoding.certainty:.2f})")
        if self.delimiter != ",":
            said.append(f"delimiter {self.delimiter!r}")
        if self.layout != "lines":
            said.append(_LAYOUTS[self.layout])
        return ", ".join(said)


def find_form(file: SourceFile, options: dict[str, Any] | None = None) -> TextForm:
    """Return how a text file is written; what the recipe says of it counts.

    Raises:
        DataError: the file can't be read, or its JSON holds columns or several lists, not rows.
    """
    head, is_whole = _head(file_blocks(file.url, options))
    unsure = None
    if file.encoding is not None:
        found = Encoding(codecs.lookup(file.encoding).name, 1.0)
    else:
        found = by_mark(head[:_SAMPLE_BYTES]) or _judge(file_blocks(file.url, options))
        if found.certainty < MIN_CERTAINTY:
            found, unsure = Encoding("utf-8", 1.0), found
    form = TextForm(encoding=found, guess=unsure)
    start = b"".join(text_blocks([head], form, file.url, is_whole=False))
    if b"\n" not in start and b"\r" in start:  # as an old Mac ends its lines
        form = form._replace(newline=b"\r")
    if file.format == "csv":
        delimiter, skipped = find_delimiter(start.decode(errors="replace"))
        return form._replace(delimiter=file.delimiter or delimiter, skipped=skipped)
    return form._replace(layout=find_layout(start, file.url, is_whole=is_whole))


def text_blocks(blocks: Iterable[bytes], form: TextForm, name: str, *, is_whole: bool = True) -> Iterator[bytes]:
    """Yield a file's text as UTF-8, without a byte order mark. Bytes that are not in its encoding give no UTF-8.

    Raises:
        DataError: the file ends within a character, or its encoding can't be read on after a damaged place.
    """
    if form.encoding.name == "utf-8":
        yield from _without_mark(blocks)
        return
    decoder = codecs.getincrementaldecoder(form.encoding.name)(form.errors)
    try:
        texts = (decoder.decode(block) for block in blocks)
        yield from _without_mark(text.encode("utf-8", form.errors) for text in texts)
        if is_whole:
            yield decoder.decode(b"", final=True).encode("utf-8", form.errors)
    except UnicodeError as error:
        raise DataError(
            f"{name} can't be read as {form.encoding.name}: {error}. Set `encoding` of this source to the file's, such "
            "as utf-8, cp1252, utf-16 or shift_jis; if it is right, the file is damaged: copy it again."
        ) from error


def _without_mark(blocks: Iterable[bytes]) -> Iterator[bytes]:
    first = True
    for block in blocks:
        yield block.removeprefix(codecs.BOM_UTF8) if first else block
        first = first and not block


def _head(blocks: Iterator[bytes]) -> tuple[bytes, bool]:
    """Return the beginning of a file, a line that may be one JSON object whole, and whether that is all of the file."""
    head = b""
    for block in blocks:
        head += block
        is_line = head.startswith(b"{") and b"\n" not in head and len(head) <= MAX_LINE_BYTES
        if len(head) >= _HEAD_BYTES and not is_line:
            return head, False
    return head, True


def _judge(blocks: Iterator[bytes]) -> Encoding:
    """Return UTF-8 if most letters beyond ASCII are, else the likeliest other encoding, which may be unsure."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    good = bad = 0
    sample: list[bytes] = []
    for block in blocks:
        pending = decoder.getstate()[0]
        if block.isascii() and not pending:
            continue
        try:
            good += len(block) - len(decoder.decode(block))
        except UnicodeDecodeError:
            decoder.reset()
            for line in (pending + block).split(b"\n"):
                letters = len(line) - len(line.decode("ascii", "ignore"))
                if _is_utf8(line):
                    good += letters
                else:
                    bad += letters
                    sample.append(line)
            if bad > 10 * good and sum(map(len, sample)) > _SAMPLE_BYTES:
                break
    if good >= bad:
        return Encoding("utf-8", 1.0)
    return guess(b"\n".join(sample)[:_SAMPLE_BYTES]) or Encoding("unknown", 0.0)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
