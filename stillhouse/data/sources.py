"""Expands a recipe's source into its files, with the size and SHA-256 of each.

They decide the fingerprint of everything after them, before a row is read.
"""

import hashlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Literal

import fsspec

from stillhouse.config import StrictModel
from stillhouse.errors import DataError
from stillhouse.recipe.data import Source

Format = Literal["jsonl", "csv", "parquet"]

_FORMATS: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
_COMPRESSIONS = (".gz", ".zst")
_GLOB = re.compile(r"[*?\[]")
_CHUNK = 1 << 20


class SourceFile(StrictModel):
    """One file of a source; its bytes are its identity, its URL only says where they are."""

    url: str
    bytes: int
    sha256: str
    format: Format
    encoding: str | None = None  # null: found by the content, as the delimiter is
    delimiter: str | None = None


def _format_of(url: str, source: Source) -> Format | None:
    """Return the format of the file at `url`: the recipe's, else by its name; None if both leave it open."""
    if source.format != "auto":
        return source.format
    name = url.lower()
    compressed = name.endswith(_COMPRESSIONS)
    kind = _FORMATS.get(os.path.splitext(os.path.splitext(name)[0] if compressed else name)[1])
    return None if compressed and kind == "parquet" else kind


def resolve(source: Source, storage_options: dict[str, Any] | None = None) -> tuple[SourceFile, ...]:
    """Return the files of `source`, sorted by URL: folders are walked, globs and lists expanded, hidden files left out.

    Raises:
        DataError: nothing was found, a file can't be read, or a file's format is unknown.
    """
    paths = (source.path,) if isinstance(source.path, str) else source.path
    urls = sorted({url for path in paths for url in _expand(path, source, storage_options)})
    if not urls:
        raise DataError("A source names no path. `path` needs at least one file, folder, glob or URL.")
    return tuple(_measure(url, source, storage_options) for url in urls)


def shown_name(url: str, paths: Sequence[str] = ()) -> str:
    """Return how a message names a file: below the folder that the recipe's `paths` name, else its last part."""
    for path in paths:
        folder = _GLOB.split(path)[0]
        folder = folder if folder == path else folder.rpartition("/")[0]
        whole = folder if "://" in folder else os.path.abspath(folder)
        if url.startswith(whole.rstrip("/") + "/"):
            return url.removeprefix(whole.rstrip("/") + "/")
    return url.rpartition("/")[2]


@contextmanager
def readable(url: str) -> Iterator[None]:
    """Turn storage errors inside the block into one DataError that names `url`.

    Raises:
        DataError: the file is absent, forbidden, or its storage can't be reached.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{url} was not found. Check the path.") from error
    except PermissionError as error:
        raise DataError(f"{url} may not be read (permission denied). Give this user or these keys access.") from error
    except ImportError as error:
        raise DataError(f"{url} needs a package that is not installed: {error}.") from error
    except _transport_errors() as error:
        raise DataError(f"{url} can't be read: {error}. Check the address, the endpoint and the keys.") from error


@contextmanager
def open_source(url: str, storage_options: dict[str, Any] | None) -> Iterator[BinaryIO]:
    """Yield the file at `url`, open for reading bytes.

    Raises:
        DataError: as `readable`.
    """
    with readable(url), fsspec.open(url, "rb", **_options(url, storage_options)) as file:
        yield file


def _expand(path: str, source: Source, options: dict[str, Any] | None) -> list[str]:
    with readable(path):
        try:
            fs, root = fsspec.core.url_to_fs(path, **_options(path, options))
        except ValueError as error:  # fsspec's answer to a protocol it doesn't know
            raise DataError(f"{path} is no address that can be read: {error}. Use a path, s3://, hf:// …") from error
        if fs.isfile(root):
            found = [root]
        elif fs.isdir(root):
            found = [name for name in fs.find(root) if _visible(name, root) and _format_of(name, source)]
        else:
            found = [name for name in fs.glob(root) if fs.isfile(name)] if any(c in root for c in "*?[") else []
    if not found:
        where = f", looked for from the folder {os.getcwd()}" if "://" not in path and not os.path.isabs(path) else ""
        raise DataError(
            f"No data found at {path!r}{where}. A source is a file, a folder or a glob of .jsonl, .json, .csv, .tsv "
            "(also .gz, .zst) or .parquet files; check the path, or set `format` for other names."
        )
    return [name if "://" not in path else str(fs.unstrip_protocol(name)) for name in found]


def _visible(name: str, root: str) -> bool:
    return not any(part.startswith((".", "_")) for part in name[len(root) :].split("/") if part)


def _measure(url: str, source: Source, options: dict[str, Any] | None) -> SourceFile:
    kind = _format_of(url, source)
    if kind is None:
        raise DataError(
            f"The format of {url} is unknown. Names end in .jsonl, .ndjson, .json, .csv, .tsv (also .gz, .zst) or "
            ".parquet; otherwise set `format` to jsonl, csv or parquet."
        )
    digest, size = hashlib.sha256(), 0
    with open_source(url, options) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return SourceFile(
        url=url,
        bytes=size,
        sha256=digest.hexdigest(),
        format=kind,
        encoding=source.encoding,
        delimiter=source.delimiter,
    )


def _options(url: str, options: dict[str, Any] | None) -> dict[str, Any]:
    return dict(options or {}) if url.startswith("s3://") else {}


def _transport_errors() -> tuple[type[Exception], ...]:
    """Return OSError, and the errors of an S3 client if one was loaded."""
    botocore = sys.modules.get("botocore.exceptions")
    return (OSError, botocore.BotoCoreError, botocore.ClientError) if botocore else (OSError,)
