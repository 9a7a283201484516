"""How many parameters a checkpoint has, and the bytes they take when served.

Separate because it reads safetensors headers only: no torch, no weights in memory.
"""

import math
from pathlib import Path

from safetensors import safe_open

DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


def count_parameters(folder: Path) -> int:
    """Return the number of parameters in a folder's *.safetensors; a tied output layer is stored, and counted, once."""
    total = 0
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="np") as tensors:
            total += sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    return total


def weight_bytes(parameters: int, dtype: str) -> int | None:
    """Return the bytes of the loaded parameters, or None where the number type is the engine's choice."""
    return parameters * DTYPE_BYTES[dtype] if dtype in DTYPE_BYTES else None
