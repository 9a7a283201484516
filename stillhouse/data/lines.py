"""Streams a file's lines as raw bytes, decompressed on the way.

Two traps: a line ends at LF and nowhere else (U+2028 may be unescaped in JSON), and a compressed file that is cut short
must not pass for a whole one.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import zstandard

from stillhouse.data.sources import open_source
from stillhouse.errors import DataError

MAX_LINE_BYTES = 32 << 20  # longer lines are cut, so that memory does not grow with the file
_CHUNK = 1 << 20
_COMPRESSED_CHUNK = 1 << 16  # small: it may grow a thousandfold


def line_blocks(blocks: Iterable[bytes], newline: bytes = b"\n") -> Iterator[list[bytes]]:
    """Yield lists of consecutive lines of a text without their ends.

    A line longer than MAX_LINE_BYTES is cut to MAX_LINE_BYTES + 1 bytes.
    """
    rest: bytes = b""
    for block in blocks:
        *lines, tail = block.split(newline)
        if lines:
            lines[0] = rest + lines[0]
            rest = tail
            yield [line[: MAX_LINE_BYTES + 1] for line in lines] if _any_long(lines) else lines
        elif len(rest) <= MAX_LINE_BYTES:
            rest += tail
    if rest:
        yield [rest[: MAX_LINE_BYTES + 1]]


def _any_long(lines: list[bytes]) -> bool:
    return max(map(len, lines)) > MAX_LINE_BYTES


def file_blocks(url: str, options: dict[str, Any] | None = None) -> Iterator[bytes]:
    """Yield a file's bytes, decompressed.

    Raises:
        DataError: the file can't be read, or its compression is damaged or cut short.
    """
    name = url.lower()
    decoder: Callable[[], Any] | None = None
    if name.endswith(".gz"):
        decoder = lambda: zlib.decompressobj(zlib.MAX_WBITS | 16)  # noqa: E731
    elif name.endswith(".zst"):
        decoder = zstandard.ZstdDecompressor().decompressobj
    raw = _raw(url, options, _COMPRESSED_CHUNK if decoder else _CHUNK)
    return raw if decoder is None else _decompressed(raw, url, decoder)


def _raw(url: str, options: dict[str, Any] | None, size: int) -> Iterator[bytes]:
    with open_source(url, options) as file:
        while chunk := file.read(size):
            yield chunk


def _decompressed(raw: Iterator[bytes], url: str, decoder: Callable[[], Any]) -> Iterator[bytes]:
    """Decompress frame after frame; in both libraries `eof` tells whether a frame is complete."""
    frame = None
    try:
        for chunk in raw:
            while chunk:
                frame = frame or decoder()
                if data := frame.decompress(chunk):
                    yield data
                chunk, frame = (frame.unused_data, None) if frame.eof else (b"", frame)
    except (zlib.error, zstandard.ZstdError) as error:
        raise DataError(f"{url} is damaged and can't be decompressed: {error}. Copy it again.") from error
    if frame is not None:
        raise DataError(f"{url} is cut short: its last compressed frame does not end. Copy it again.")
