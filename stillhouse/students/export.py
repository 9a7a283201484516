"""Writes a checkpoint folder that any engine loads; equal weights give equal bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def save_student(model: Any, tokenizer: Any, out: Path, precision: str) -> None:
    """Write weights (safetensors, in `precision`), configuration, tokenizer and chat template into `out`.

    A LoRA adapter is merged first. The files hold no time and no path.
    """
    import torch

    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    model = model.to(getattr(torch, precision)).eval()
    for config in (model.config, model.generation_config):
        # where the model was loaded from is no property of the model
        vars(config).pop("_name_or_path", None)
    model.config.use_cache = True
    # the trainer marks models with tags that only a hub's model card needs
    model.model_tags = None
    tokenizer.init_kwargs.pop("local_files_only", None)
    model.save_pretrained(out, safe_serialization=True)
    tokenizer.save_pretrained(out)


def write_history(history: list[dict[str, Any]], out: Path) -> None:
    """Write history.jsonl: step, and train_loss with learning_rate or validation_loss."""
    lines = [json.dumps(point, sort_keys=True) for point in history]
    (out / "history.jsonl").write_text("".join(line + "\n" for line in lines))
