"""Writes a smallest ONNX model, an embedding table, without the onnx package: by the fields of onnx.proto."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_INT64, _FLOAT = 7, 1


def write_embedding(path: Path, table: NDArray[np.float32], *, output: str = "last_hidden_state") -> Path:
    """Write a graph that looks up `table` [tokens, dimensions] by input_ids, and return its path."""
    node = _text(1, "table") + _text(1, "input_ids") + _text(2, output) + _text(4, "Gather")
    weights = b"".join(_number(1, size) for size in table.shape) + _number(2, _FLOAT) + _text(8, "table")
    weights += _bytes(9, table.astype("<f4").tobytes())
    graph = _bytes(1, node) + _text(2, "encoder") + _bytes(5, weights)
    graph += _bytes(11, _value("input_ids", _INT64, ["texts", "tokens"]))
    graph += _bytes(12, _value(output, _FLOAT, ["texts", "tokens", table.shape[1]]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_number(1, 8) + _bytes(8, _text(1, "") + _number(2, 17)) + _bytes(7, graph))
    return path


def write_label_graph(path: Path, table: NDArray[np.float32]) -> Path:
    """Write a graph whose `logits` [texts, labels] are the mean over a text's tokens of `table` [tokens, labels]."""
    gather = _text(1, "table") + _text(1, "input_ids") + _text(2, "of_tokens") + _text(4, "Gather")
    over_tokens = _bytes(5, _text(1, "axes") + _number(8, 1) + _number(20, 7))
    no_dimension = _bytes(5, _text(1, "keepdims") + _number(3, 0) + _number(20, 2))
    mean = _text(1, "of_tokens") + _text(2, "logits") + _text(4, "ReduceMean") + over_tokens + no_dimension
    weights = b"".join(_number(1, size) for size in table.shape) + _number(2, _FLOAT) + _text(8, "table")
    weights += _bytes(9, table.astype("<f4").tobytes())
    graph = _bytes(1, gather) + _bytes(1, mean) + _text(2, "classifier") + _bytes(5, weights)
    graph += _bytes(11, _value("input_ids", _INT64, ["texts", "tokens"]))
    graph += _bytes(12, _value("logits", _FLOAT, ["texts", table.shape[1]]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_number(1, 8) + _bytes(8, _text(1, "") + _number(2, 17)) + _bytes(7, graph))
    return path


def _value(name: str, kind: int, shape: list[str | int]) -> bytes:
    sizes = b"".join(_bytes(1, _text(2, one) if isinstance(one, str) else _number(1, one)) for one in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, sizes)))


def _varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found, value = found + bytes([value & 127 | 128]), value >> 7
    return found + bytes([value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())
