"""How many numbers of which type a model's weights are, read off headers or asked of the hub: no weights are loaded."""

import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from stillhouse.inference.published_models import PUBLISHED_MODELS

# of a type in a safetensors file if it is not one byte; those that pack smaller numbers count as what they are
_BYTES = {"I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "F4": 0.5}
_CAST = ("F64", "F32", "F16", "BF16")  # what an engine casts as it loads
_CAST_BYTES = {"float32": 4.0}
# of a number once vLLM has quantised it as it loads; embeddings stay as they are, so a little more is needed
_QUANTISED_BYTES = {"fp8": 1.0, "ptpc_fp8": 1.0, "bitsandbytes": 0.5}
_HUB_TIMEOUT_S = 10.0


def stored_numbers(path: str, revision: str = "") -> Counter[str] | None:
    """Return how many numbers of each safetensors type a folder's weights are, or a hub's; None if that is not known.

    The hub is asked only about a model that is not whole on this machine, and whose facts Stillhouse does not ship.
    """
    if Path(path).is_dir():
        return _in_folder(Path(path))
    folder = _cached_folder(path, revision)
    if folder and (found := _in_folder(folder)):
        return found
    published = PUBLISHED_MODELS.get(path)
    return Counter(published.numbers) if published else _of_hub(path, revision)


def loaded_bytes(stored: Mapping[str, int], dtype: str, quantization: str = "") -> int:
    """Return the bytes of the weights once they are loaded as `dtype`; quantised ones stay as they are stored."""
    cast = _QUANTISED_BYTES.get(quantization, _CAST_BYTES.get(dtype, 2.0))
    return round(sum(count * (cast if kind in _CAST else _BYTES.get(kind, 1)) for kind, count in stored.items()))


def _in_folder(folder: Path) -> Counter[str] | None:
    from safetensors import safe_open

    found: Counter[str] = Counter()
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="np") as tensors:
            for name in tensors.keys():  # noqa: SIM118
                part = tensors.get_slice(name)
                found[part.get_dtype()] += math.prod(part.get_shape())
    return found or None


def _cached_folder(name: str, revision: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, revision=revision or None, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    index = folder / "model.safetensors.index.json"
    # without an index one file is all
    shards = set(json.loads(index.read_text())["weight_map"].values()) if index.is_file() else set()
    return folder if all((folder / shard).is_file() for shard in shards) else None


def _of_hub(name: str, revision: str) -> Counter[str] | None:
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        info = HfApi().model_info(name, revision=revision or None, timeout=_HUB_TIMEOUT_S)
    except (HfHubHTTPError, HFValidationError, httpx2.HTTPError, OSError):  # not there, not allowed, or no network
        return None
    return Counter(info.safetensors.parameters) if info.safetensors else None
