"""Finds the checkpoint that a killed training resumes from; half-written ones are recognised without loading them."""

import json
import re
import shutil
from pathlib import Path

STATE = "trainer_state.json"
# the trainer writes these one after the other and STATE last
FILES = ("optimizer.pt", "scheduler.pt", "rng_state.pth", STATE)
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "adapter_model.safetensors")
_NAME = re.compile(r"checkpoint-(\d+)")


def last_complete(folder: Path, before_step: int) -> Path | None:
    """Return the newest complete checkpoint in `folder` from before optimizer step `before_step`, or None."""
    complete = [(step, path) for step, path in _checkpoints(folder) if step < before_step and is_complete(path, step)]
    return max(complete)[1] if complete else None


def is_complete(checkpoint: Path, step: int) -> bool:
    """Return whether `checkpoint` has every file, and its state, which is written last, is readable and of `step`."""
    has_files = all((checkpoint / name).is_file() for name in FILES)
    if not has_files or not any((checkpoint / name).is_file() for name in WEIGHTS):
        return False
    try:
        state = json.loads((checkpoint / STATE).read_text())
    except ValueError:
        return False
    return isinstance(state, dict) and state.get("global_step") == step


def drop_newer(folder: Path, kept: Path | None) -> None:
    """Delete every checkpoint newer than `kept`, or all if it is None.

    The same steps will be saved again under the same names. A kill while an old folder is overwritten would leave torn
    weights beside an old, valid state.
    """
    newest = int(_NAME.fullmatch(kept.name)[1]) if kept else -1  # type: ignore[index]
    for step, path in _checkpoints(folder):
        if step > newest:
            # first, so that a kill during the deletion leaves no folder that looks complete
            (path / STATE).unlink(missing_ok=True)
            shutil.rmtree(path)


def _checkpoints(folder: Path) -> list[tuple[int, Path]]:
    if not folder.is_dir():
        return []
    named = [(_NAME.fullmatch(path.name), path) for path in folder.iterdir() if path.is_dir()]
    return sorted((int(match[1]), path) for match, path in named if match)
