"""Writes an encoder student as a folder that transformers loads, and as an int8 graph for onnxruntime."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillhouse.inference.encoder.label_encoder import GRAPH

if TYPE_CHECKING:
    from stillhouse.students.encoder.classifier import EncoderClassifier

HEAD = "head.safetensors"
_OPSET = 17


def save_classifier(
    model: EncoderClassifier, tokenizer: Any, labels: Sequence[str], out: Path, *, pooling: str, max_tokens: int
) -> None:
    """Write encoder, tokenizer, labels and head into `out`; the files hold no time and no path.

    `AutoModel` loads the folder. A text's logits are `weight @ vector + bias` of head.safetensors, where the vector is
    pooled as 1_Pooling/config.json says and brought to length 1; `id2label` of config.json names them.
    """
    from safetensors.torch import save_file

    model.float().cpu().eval()
    config = model.encoder.config
    vars(config).pop("_name_or_path", None)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: place for place, label in enumerate(labels)}
    model.encoder.save_pretrained(out, safe_serialization=True)
    tokenizer.init_kwargs.pop("local_files_only", None)
    tokenizer.save_pretrained(out)
    save_file({"weight": model.head.weight.data.contiguous(), "bias": model.head.bias.data}, out / HEAD)
    _write_json(out / "sentence_bert_config.json", {"max_seq_length": max_tokens, "do_lower_case": False})
    pooled = {f"pooling_mode_{name}": name.startswith(pooling) for name in ("cls_token", "mean_tokens")}
    _write_json(out / "1_Pooling" / "config.json", {"word_embedding_dimension": config.hidden_size, **pooled})


def export_int8(model: EncoderClassifier, out: Path, work: Path) -> int:
    """Write the student with 8-bit weights to onnx/model_quantized.onnx in `out`, and return the graph's bytes.

    The graph takes input_ids and attention_mask [texts, tokens], and gives logits [texts, labels]. `work` is a folder
    for the graph in float32, which is deleted.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    plain, target = work / "model.onnx", out / GRAPH
    target.parent.mkdir(parents=True, exist_ok=True)
    _export_float(model, plain)
    # a scale for each output, and 7 of the 8 bits, which processors without VNNI add up without overflow: of the
    # demo's texts 99.7 % keep their label so, 98.6 % with all bits, and 96.5 % with one scale for a whole matrix
    quantize_dynamic(plain, target, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
    plain.unlink()
    return target.stat().st_size


def _export_float(model: EncoderClassifier, path: Path) -> None:
    import torch

    sample = torch.ones(2, 8, dtype=torch.long)
    axes = {0: "texts", 1: "tokens"}
    with warnings.catch_warnings(), torch.no_grad():
        # of the exporter's age, and of branches that a text's length does not take; int8 and float are compared later
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.cpu().eval(),
            (sample, sample),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "logits": {0: "texts"}},
            opset_version=_OPSET,
            # the newer one needs three more packages, and gives the same graph
            dynamo=False,
        )


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
