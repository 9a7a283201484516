"""A student's weights as the tensors of a GGUF file, read, turned and quantised one at a time."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from gguf import MODEL_ARCH, GGMLQuantizationType, GGUFWriter, get_tensor_name_map
from gguf.quants import QuantError, quant_shape_to_byte_shape, quantize
from numpy.typing import NDArray

from stillhouse.errors import ModelError
from stillhouse.exports.gguf.families import Family

Floats = NDArray[np.float32]
TYPES = {"f16": "F16", "q8_0": "Q8_0", "q4_0": "Q4_0"}
_LARGEST_F16 = 65504.0
_UNTIED = ("lm_head.weight",)
# llama.cpp's own quantiser keeps what reads and writes tokens finer than 4 bits too
_IN_AND_OUT = ("model.embed_tokens.weight", "lm_head.weight")


class Weights:
    """The tensors of a folder of safetensors, by the names that a GGUF file has for them."""

    def __init__(self, folder: Path, config: Any, family: Family, stack: ExitStack) -> None:
        """Open the files until `stack` ends.

        Raises:
            ModelError: a tensor has no place in the family's GGUF.
        """
        from safetensors import safe_open

        self._config, self._family = config, family
        self._files: dict[str, Any] = {}
        names = get_tensor_name_map(MODEL_ARCH[family.arch], config.num_hidden_layers)
        for path in sorted(folder.glob("*.safetensors")):
            file = stack.enter_context(safe_open(path, framework="pt"))
            self._files |= dict.fromkeys(file.keys(), file)
        if config.tie_word_embeddings:
            self._files = {name: file for name, file in self._files.items() if name not in _UNTIED}
        self._names = {name: names.get_name(name, (".weight", ".bias")) for name in self._files}
        if lost := sorted(name for name, found in self._names.items() if found is None):
            raise ModelError(f"No place in a GGUF for the student's tensor {lost[0]} (and {len(lost) - 1} others).")

    def write(self, writer: GGUFWriter, added: dict[str, Floats], precision: str, out: Path) -> None:
        """Write the file: all that `writer` was told, the tensors in `precision`, and those `added`."""
        kinds = {name: self._kind(name, precision) for name in self._files}
        for name, tensor in added.items():
            writer.add_tensor_info(name, tensor.shape, tensor.dtype, tensor.nbytes)
        for name, kind in kinds.items():
            shape = tuple(self._files[name].get_slice(name).get_shape())
            _announce(writer, str(self._names[name]), shape, kind)
        writer.write_header_to_file(out)
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for tensor in added.values():
            writer.write_tensor_data(tensor)
        for name, kind in kinds.items():
            writer.write_tensor_data(self._quantized(name, kind))
        writer.close()

    def _kind(self, name: str, precision: str) -> GGMLQuantizationType:
        """Return a tensor's number type: norms and biases stay as they are, rows that no block divides are halves."""
        shape = self._files[name].get_slice(name).get_shape()
        if len(shape) < 2:
            return GGMLQuantizationType.F32
        wanted = "q8_0" if precision == "q4_0" and name in _IN_AND_OUT else precision
        kind = GGMLQuantizationType[TYPES[wanted]]
        try:
            quant_shape_to_byte_shape(shape, kind)
        except ValueError:
            return GGMLQuantizationType.F16
        return kind

    def _quantized(self, name: str, kind: GGMLQuantizationType) -> NDArray[Any]:
        values = self._turned(name, self._files[name].get_tensor(name).float().numpy())
        if kind is not GGMLQuantizationType.F32 and not np.abs(values).max() <= _LARGEST_F16:
            raise ModelError(f"The student's tensor {name} holds a number that is too large for GGUF, or none at all.")
        try:
            return np.asarray(quantize(values, kind))
        except QuantError as error:
            raise ModelError(f"The student's tensor {name} can't be written as {kind.name}: {error}.") from error

    def _turned(self, name: str, values: Floats) -> Floats:
        heads = {"q_proj": self._config.num_attention_heads, "k_proj": self._config.num_key_value_heads}
        part = name.split(".")[-2]
        if self._family.pairs_neighbours and part in heads:
            return pair_neighbours(values, heads[part])
        if self._family.adds_one_to_norms and name.endswith("norm.weight"):
            return values + 1
        return values


def pair_neighbours(values: Floats, heads: int) -> Floats:
    """Return a projection's rows in llama.cpp's order: a row of a head's first half, then that of its second."""
    halves = values.reshape(heads, 2, -1, *values.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(values.shape)


def _announce(writer: GGUFWriter, name: str, shape: tuple[int, ...], kind: GGMLQuantizationType) -> None:
    if kind in (GGMLQuantizationType.F32, GGMLQuantizationType.F16):
        plain: np.dtype[Any] = np.dtype(np.float32 if kind is GGMLQuantizationType.F32 else np.float16)
        writer.add_tensor_info(name, shape, plain, int(np.prod(shape)) * plain.itemsize)
        return
    packed = quant_shape_to_byte_shape(shape, kind)
    writer.add_tensor_info(name, packed, np.dtype(np.uint8), int(np.prod(packed)), raw_dtype=kind)
