"""Reads the rows of a Parquet file, with the names of class labels in place of their numbers.

Hugging Face's datasets write labels as numbers, and their names into the file's metadata.
"""

import io
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from stillhouse.data.record import InvalidRecord, Record
from stillhouse.data.sources import open_source
from stillhouse.errors import DataError

_BATCH = 4096

Naming = Callable[[Any], Any]  # a value with numbers -> the value with names


def parquet_records(url: str, options: dict[str, Any] | None) -> Iterator[Record]:
    """Yield the rows of a Parquet file, each with its number from 1.

    Raises:
        DataError: the file can't be read.
    """
    number = 0
    try:
        with open_source(url, options) as file:
            parquet = pq.ParquetFile(file, pre_buffer=False)
            namings = class_names(parquet.schema_arrow.metadata or {})
            for batch in parquet.iter_batches(_BATCH):
                for raw, value in _values(batch):
                    number += 1
                    named = _named(value, namings) if namings else value
                    yield number, raw or _refused_bytes(value, named), named
    except pa.ArrowException as error:
        raise DataError(f"{url} is no readable Parquet file: {error}. Write or copy it again.") from error


def class_names(metadata: dict[bytes, bytes]) -> dict[str, Naming]:
    """Return for each column with class labels what gives them their names; a file without names gives none."""
    try:
        features = orjson.loads(metadata[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, orjson.JSONDecodeError):
        return {}
    found = {name: _naming(feature) for name, feature in features.items()}
    return {name: naming for name, naming in found.items() if naming}


def _naming(feature: Any) -> Naming | None:
    if isinstance(feature, list):
        return _of_list(feature[0]) if feature else None
    if not isinstance(feature, dict):
        return None
    kind, names = feature.get("_type"), feature.get("names")
    if kind == "ClassLabel" and isinstance(names, list):
        return lambda value: _class_name(value, names)
    if kind in ("Sequence", "List", "LargeList"):
        return _of_list(feature.get("feature"))
    return None if isinstance(kind, str) else _of_struct(feature)


def _of_list(feature: Any) -> Naming | None:
    inner = _naming(feature)
    if inner is None:
        return None
    # a sequence of structs is stored as a struct of lists in older files
    return lambda value: [inner(item) for item in value] if isinstance(value, list) else value


def _of_struct(feature: dict[str, Any]) -> Naming | None:
    parts = {name: naming for name, part in feature.items() if (naming := _naming(part))}
    if not parts:
        return None
    return lambda value: _named(value, parts) if isinstance(value, dict) else value


def _named(value: dict[str, Any] | InvalidRecord, namings: dict[str, Naming]) -> dict[str, Any] | InvalidRecord:
    if isinstance(value, InvalidRecord):
        return value
    try:
        return value | {name: naming(value[name]) for name, naming in namings.items() if name in value}
    except InvalidRecord as refused:
        return refused


def _refused_bytes(value: Any, named: dict[str, Any] | InvalidRecord) -> bytes:
    """Return a row as JSON if its names are refused, so that it is seen in the quarantine; else nothing."""
    is_refused = isinstance(named, InvalidRecord) and not isinstance(value, InvalidRecord)
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS) if is_refused else b""


def _class_name(value: Any, names: list[str]) -> str | None:
    if value is None or value == -1 or value != value:  # how unlabelled rows are written; the last is NaN
        return None
    if isinstance(value, float) and value.is_integer():  # pandas makes numbers with gaps so
        value = int(value)
    if not isinstance(value, int) or not 0 <= value < len(names):
        raise InvalidRecord("unknown_class", f"class {value!r} has no name; the file names {len(names)}: {names[:20]}")
    return names[value]


def _values(batch: pa.RecordBatch) -> Iterator[tuple[bytes, dict[str, Any] | InvalidRecord]]:
    try:
        for value in batch.to_pylist():
            yield b"", value
    except UnicodeDecodeError:
        for row in (batch.slice(index, 1) for index in range(batch.num_rows)):
            try:
                yield b"", row.to_pylist()[0]
            except UnicodeDecodeError as error:
                yield _ipc(row), InvalidRecord("not_utf8", str(error))


def _ipc(row: pa.RecordBatch) -> bytes:
    """Return one row as an Arrow IPC stream: the only faithful bytes of a Parquet row."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, row.schema) as stream:
        stream.write_batch(row)
    return sink.getvalue()
