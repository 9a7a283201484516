"""Makes one encoder student from a spec file.

Command: `python -m stillhouse.students.encoder.worker spec.json` (engine environment)
"""

from __future__ import annotations

import os
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stillhouse.inference.encoder.files import pooling_of, stated_max_tokens
from stillhouse.inference.encoder.label_encoder import LabelEncoder
from stillhouse.runtime.worker import Reporter, serve
from stillhouse.students.encoder.base import fetch_descriptions, load_encoder, max_tokens
from stillhouse.students.encoder.examples import Examples, label_names, read_examples
from stillhouse.students.encoder.export import export_int8, save_classifier
from stillhouse.students.encoder.spec import EncoderSpec
from stillhouse.students.export import write_history

if TYPE_CHECKING:
    from stillhouse.students.encoder.classifier import EncoderClassifier
    from stillhouse.students.encoder.head import Head

# those whose version decides whether an exported student loads
_LIBRARIES = ("transformers", "tokenizers", "safetensors", "torch", "onnx", "onnxruntime")
# an untrained student has seen one example a label
_STRENGTH_OF_NAMES = 10.0


def run(spec: EncoderSpec, report: Reporter) -> dict[str, Any]:
    """Write the student's folder, its int8 graph and history.jsonl into `spec.out`; return the training's numbers.

    Raises:
        ModelError: the base is no encoder, or can't be loaded.
        DataError: there are no rows, or answers that are no labels.
    """
    from stillhouse.students.encoder.classifier import EncoderClassifier
    from stillhouse.students.train import set_threads

    set_threads(spec.training.execution.threads)
    out = Path(spec.out)
    encoder, tokenizer = load_encoder(spec.base_model, spec.revision)
    described = fetch_descriptions(spec.base_model, spec.revision)
    most = max_tokens(stated_max_tokens(described), encoder.config, tokenizer, spec.training.max_length)
    pooling = pooling_of(described)
    model = EncoderClassifier(encoder, pooling, len(spec.labels))
    train, validation = _examples(spec)
    report.log(f"{len(train.texts)} examples, {len(validation.texts)} for validation")
    numbers = _train(spec, model, tokenizer, most, (train, validation), report)
    save_classifier(model, tokenizer, spec.labels, out, pooling=pooling, max_tokens=most)
    with tempfile.TemporaryDirectory(dir=out.parent) as work:
        graph_bytes = export_int8(model, out, Path(work))
    write_history(numbers["history"], out)
    return {
        **numbers,
        "agreement": agreement_of(model, tokenizer, most, out, [*train.texts, *validation.texts]),
        "rows": len(train.texts),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "graph_bytes": graph_bytes,
        "libraries": {name: version(name) for name in _LIBRARIES},
        **({"rows_with_soft_label": train.num_taught} if spec.training.soft_labels else {}),
    }


def _examples(spec: EncoderSpec) -> tuple[Examples, Examples]:
    """Return what is learnt, and the validation rows."""
    names = label_names(spec.labels)
    nothing = Examples([], names.targets[:0], names.teacher[:0])
    train = read_examples(Path(spec.rows), spec.labels) if spec.rows else nothing
    if spec.tuning.label_texts or not spec.rows:
        train = train + names
    return train, read_examples(Path(spec.validation), spec.labels) if spec.validation else nothing


def _train(
    spec: EncoderSpec,
    model: EncoderClassifier,
    tokenizer: Any,
    most: int,
    examples: tuple[Examples, Examples],
    report: Reporter,
) -> dict[str, Any]:
    """Fit the head, then fine-tune all weights if the recipe says so; return the summary."""
    started = time.monotonic()
    train, validation = (token_ids(tokenizer, part.texts, most) for part in examples)
    head, strength = _fit_head(spec, model, tokenizer, train, examples[0])
    model.set_head(head.weight_LD.float(), head.bias_L.float())
    summary: dict[str, Any] = {
        "method": spec.tuning.method,
        "steps": head.steps,
        "train_loss": head.loss,
        "tokens": sum(len(row) for row in train),
        "history": [],
    }
    if spec.tuning.method == "fine_tuned" and spec.rows:
        summary |= _fine_tune(spec, model, tokenizer, (train, validation), examples, report)
    cut = sum(len(ids) > most for ids in tokenizer([*examples[0].texts], truncation=False)["input_ids"])
    return summary | {"seconds": time.monotonic() - started, "strength": strength, "rows_cut": cut}


def _fit_head(
    spec: EncoderSpec, model: EncoderClassifier, tokenizer: Any, rows: list[list[int]], examples: Examples
) -> tuple[Head, float]:
    import torch

    from stillhouse.students.encoder.classifier import encode_all
    from stillhouse.students.encoder.head import Vectors, choose_strength, fit_head

    known = Vectors(
        encode_all(model, tokenizer, rows), torch.from_numpy(examples.targets), torch.from_numpy(examples.teacher)
    )
    soft = spec.training.soft_labels
    strength = choose_strength(known, soft, spec.training.seed) if spec.rows else _STRENGTH_OF_NAMES
    return fit_head(known, soft, strength), strength


def _fine_tune(
    spec: EncoderSpec,
    model: EncoderClassifier,
    tokenizer: Any,
    rows: tuple[list[list[int]], list[list[int]]],
    examples: tuple[Examples, Examples],
    report: Reporter,
) -> dict[str, Any]:
    from stillhouse.students.encoder.fine_tune import fine_tune
    from stillhouse.students.trainer_setup import TrainingJob

    train, validation = (
        [
            {"input_ids": ids, "targets": int(target), "teacher": teacher.tolist()}
            for ids, target, teacher in zip(part_rows, part.targets, part.teacher, strict=True)
        ]
        for part_rows, part in zip(rows, examples, strict=True)
    )
    found = fine_tune(TrainingJob(model, tokenizer, train, validation, spec.training, Path(spec.checkpoints), report))
    return found | {"method": spec.tuning.method}


def token_ids(tokenizer: Any, texts: list[str], most: int) -> list[list[int]]:
    """Return the token ids of each text, cut at `most`."""
    if not texts:
        return []
    found: list[list[int]] = tokenizer(texts, truncation=True, max_length=most)["input_ids"]
    return found


def agreement_of(model: EncoderClassifier, tokenizer: Any, most: int, out: Path, texts: list[str]) -> float:
    """Return on which share of the texts the int8 graph in `out` chooses the label that the float model chooses."""
    import torch

    from stillhouse.students.encoder.classifier import encode_all

    with torch.no_grad():
        plain = model.head(encode_all(model, tokenizer, token_ids(tokenizer, texts, most))).argmax(dim=1).numpy()
    return float(np.mean(LabelEncoder(out).logits(texts).argmax(axis=1) == plain))


if __name__ == "__main__":
    # read once, when torch loads: threads that spin while they wait for a core made training five times slower
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    serve(EncoderSpec, run)
