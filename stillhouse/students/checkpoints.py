"""Finds the checkpoint that a killed training resumes from; half-written ones are recognised without loading them."""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

STATE = "trainer_state.json"
# the trainer writes these one after the other and STATE last
FILES = ("optimizer.pt", "scheduler.pt", "rng_state.pth", STATE)
# where several processes share the optimizer out
_OPTIMIZERS = {"none": "optimizer.pt", "fsdp": "optimizer.bin", "deepspeed": "latest"}
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "adapter_model.safetensors")
_NAME = re.compile(r"checkpoint-(\d+)")


def files_of(processes: int, sharding: str) -> tuple[str, ...]:
    """Return the files of a checkpoint, besides weights, of so many processes; each has random numbers of its own."""
    if processes == 1:
        return FILES
    return (
        _OPTIMIZERS[sharding],
        "scheduler.pt",
        *(f"rng_state_{process}.pth" for process in range(processes)),
        STATE,
    )


def last_complete(folder: Path, before_step: int, files: Sequence[str] = FILES) -> Path | None:
    """Return the newest checkpoint in `folder` with all `files` from before optimizer step `before_step`, or None."""
    found = [(step, path) for step, path in _checkpoints(folder) if step < before_step]
    complete = [(step, path) for step, path in found if is_complete(path, step, files)]
    return max(complete)[1] if complete else None


def is_complete(checkpoint: Path, step: int, files: Sequence[str] = FILES) -> bool:
    """Return whether `checkpoint` has every file, and its state, which is written last, is readable and of `step`."""
    has_files = all((checkpoint / name).is_file() for name in files)
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
