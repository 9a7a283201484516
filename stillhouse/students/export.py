"""Writes a checkpoint folder that any engine loads; equal weights give equal bytes."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stillhouse.students.older_readers import widen_config, widen_tokenizer_config

# what a model that sees is served with, besides its tokenizer
_PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json")


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
    _rewrite(out / "config.json", widen_config)
    _rewrite(out / "tokenizer_config.json", widen_tokenizer_config)


def attach_adapter(trained: Any, saved: Path | None, load: Callable[[], Any]) -> Any:
    """Return the unquantised model that `load` gives with the adapter of `trained`, or the one in the folder `saved`.

    Merged into weights of 4 bits, most of an adapter would be rounded away.
    """
    from peft import PeftModel

    if saved:
        return PeftModel.from_pretrained(load(), saved)
    with tempfile.TemporaryDirectory() as folder:
        trained.save_pretrained(folder)
        return PeftModel.from_pretrained(load(), folder)


def copy_processor(config: Any, base_model: str, revision: str, out: Path) -> None:
    """Copy the base model's processor files into the folder of a student whose class reads more than text."""
    from transformers.utils.hub import cached_file

    if config.get_text_config() is config:
        return
    for name in _PROCESSOR_FILES:
        found = cached_file(base_model, name, revision=revision or None, _raise_exceptions_for_missing_entries=False)
        if found:
            shutil.copyfile(found, out / name)


def _rewrite(path: Path, change: Any) -> None:
    content = change(json.loads(path.read_text(encoding="utf-8")))
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def write_history(history: list[dict[str, Any]], out: Path) -> None:
    """Write history.jsonl: step, and train_loss with learning_rate or validation_loss."""
    lines = [json.dumps(point, sort_keys=True) for point in history]
    (out / "history.jsonl").write_text("".join(line + "\n" for line in lines))
