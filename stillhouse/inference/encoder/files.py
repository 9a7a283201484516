"""Finds a sentence encoder's files and what identifies them, before any work starts."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from stillhouse.artifacts.fingerprint import sha256_file
from stillhouse.config import StrictModel, execution
from stillhouse.errors import ModelError
from stillhouse.recipe.encoder import Encoder
from stillhouse.repository import ROOT

# a folder's graphs, the first that is there; `onnx/` is where sentence-transformers exports to
_GRAPHS = ("model.onnx", "onnx/model.onnx", "model_quantized.onnx", "onnx/model_quantized.onnx")
_TOKENIZER, _POOLING, _LENGTH = "tokenizer.json", "1_Pooling/config.json", "sentence_bert_config.json"
_FROM_HUB = [*_GRAPHS, "onnx/model.onnx_data", "model.onnx_data", _TOKENIZER, _POOLING, _LENGTH]
# what says how an encoder is used
DESCRIPTIONS = (_POOLING, _LENGTH)
_PICKLED = (".bin", ".pt", ".pth", ".pkl", ".ckpt")


class EncoderFiles(StrictModel):
    """An encoder's graph and tokenizer on this machine, and how its token vectors become one."""

    name: str = execution(..., "for people")
    graph: str = execution(..., "path of the ONNX file")
    tokenizer: str = execution(..., "path of tokenizer.json")
    size_bytes: int = execution(..., "of the graph with its weights")
    pooling: Literal["mean", "cls"]
    max_tokens: int | None = None  # None: as the tokenizer cuts
    files: dict[str, str] = Field({})  # name -> SHA-256


def find_encoder(config: Encoder | None) -> EncoderFiles | None:
    """Return the files of the recipe's encoder; None if it wants none, or the default one was never fetched.

    A hub's encoder is fetched now.

    Raises:
        ModelError: there is none where the recipe says, or a file is missing, unreadable or of another kind.
    """
    if config is None:
        return None
    path = ROOT / ".models" / config.model if config.is_default else Path(config.model).expanduser()
    if config.is_default and not path.exists():
        return None
    if not path.exists():
        path = _from_hub(config)
    graph = path if path.is_file() else _graph_in(path)
    home = _home(graph, path)
    weights = [graph, *sorted(graph.parent.glob(f"{graph.name}[._]data"))]
    described = [home / name for name in (_TOKENIZER, _POOLING, _LENGTH) if (home / name).is_file()]
    return EncoderFiles(
        name=path.stem if path.is_file() else path.name,
        graph=str(graph.absolute()),
        tokenizer=str((home / _TOKENIZER).absolute()),
        size_bytes=sum(file.stat().st_size for file in weights),
        pooling=pooling_of(home),
        max_tokens=stated_max_tokens(home),
        files={file.name if file in weights else str(file.relative_to(home)): sha256_file(file)
               for file in [*weights, *described]},
    )  # fmt: skip


def why_none(config: Encoder | None) -> str:
    """Return why `find_encoder` found none."""
    return "no encoder" + ("; `make model` fetches one" if config else ": evaluation.encoder is null")


def _from_hub(config: Encoder) -> Path:
    if config.model.startswith((".", "/", "~")) or config.model.count("/") != 1 or config.model.endswith(".onnx"):
        raise ModelError(
            f"evaluation.encoder.model: {config.model} does not exist. Name a folder, an .onnx file or a hub's "
            "owner/name, or set evaluation.encoder to null."
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(config.model, revision=config.revision or None, allow_patterns=_FROM_HUB))
    except (OSError, ValueError) as error:  # the hub's own errors and those of the network are OSErrors
        said = " ".join(str(error).split())[:200]
        raise ModelError(
            f"evaluation.encoder.model: {config.model} is no folder here and can't be fetched from the hub: {said}. "
            "Check the name and the network, or set evaluation.encoder to null."
        ) from error


def _graph_in(folder: Path) -> Path:
    for name in _GRAPHS:
        if (folder / name).is_file():
            return folder / name
    names = sorted(entry.name for entry in folder.iterdir())
    pickled = [name for name in names if name.endswith(_PICKLED)]
    why = f"pickled weights ({pickled[0]}) are refused" if pickled else "other weights than ONNX are not read"
    raise ModelError(
        f"evaluation.encoder.model: folder {folder} holds {', '.join(names[:8]) or 'nothing'}; it needs model.onnx or "
        f"onnx/model.onnx ({why}). Export it with `optimum-cli export onnx`, or name another encoder."
    )


def _home(graph: Path, named: Path) -> Path:
    """Return the folder that holds the tokenizer: beside the graph, or above its `onnx` folder."""
    if graph.suffix != ".onnx":
        raise ModelError(f"evaluation.encoder.model: {named} is a file, but no .onnx file. Name an .onnx file.")
    for folder in (graph.parent, graph.parent.parent):
        if (folder / _TOKENIZER).is_file():
            return folder
    raise ModelError(
        f"evaluation.encoder.model: {named} has no {_TOKENIZER} beside its graph. Fetch the encoder's whole folder."
    )


def pooling_of(folder: Path) -> Literal["mean", "cls"]:
    """Return how an encoder's token vectors become one; the mean if its folder says nothing.

    Raises:
        ModelError: in another way than these two.
    """
    path = folder / _POOLING
    stated = _read(path)
    if stated.get("pooling_mode_cls_token"):
        return "cls"
    if stated and not stated.get("pooling_mode_mean_tokens"):
        raise ModelError(f"{path}: only mean and CLS pooling are known, and it states neither. Name another encoder.")
    return "mean"


def stated_max_tokens(folder: Path) -> int | None:
    """Return the most tokens that an encoder's folder says it reads; None if it says nothing."""
    length = _read(folder / _LENGTH).get("max_seq_length")
    return length if isinstance(length, int) and length > 0 else None


def _read(path: Path) -> dict[str, Any]:
    """Return a JSON object's fields; none if there is no such file."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ModelError(f"{path} is no JSON object: mend it, or fetch it again.")
    return found
