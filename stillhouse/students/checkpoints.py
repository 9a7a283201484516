"""Which checkpoint a killed training goes on from.

Separate because a half-written checkpoint must be told from a whole one without loading it.
"""

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
    """Return the newest whole checkpoint in `folder` taken before optimizer step `before_step`, or None."""
    whole = [(step, path) for step, path in _checkpoints(folder) if step < before_step and is_complete(path, step)]
    return max(whole)[1] if whole else None


def is_complete(checkpoint: Path, step: int) -> bool:
    """Return whether every file of `checkpoint` is there and its state, written last, is whole and of `step`."""
    files_there = all((checkpoint / name).is_file() for name in FILES)
    if not files_there or not any((checkpoint / name).is_file() for name in WEIGHTS):
        return False
    try:
        state = json.loads((checkpoint / STATE).read_text())
    except ValueError:
        return False
    return isinstance(state, dict) and state.get("global_step") == step


def drop_newer(folder: Path, kept: Path | None) -> None:
    """Delete every checkpoint newer than `kept` (all, without one).

    The same steps will be taken again and saved under the same names; a kill while an old folder is overwritten
    would leave torn weights beside an old, valid state.
    """
    newest = int(_NAME.fullmatch(kept.name)[1]) if kept else -1  # type: ignore[index]
    for step, path in _checkpoints(folder):
        if step > newest:
            # first, so that a kill amid the deletion leaves no folder that passes for whole
            (path / STATE).unlink(missing_ok=True)
            shutil.rmtree(path)


def _checkpoints(folder: Path) -> list[tuple[int, Path]]:
    if not folder.is_dir():
        return []
    named = [(_NAME.fullmatch(path.name), path) for path in folder.iterdir() if path.is_dir()]
    return sorted((int(match[1]), path) for match, path in named if match)
