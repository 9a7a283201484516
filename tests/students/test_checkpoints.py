import json
from pathlib import Path

import pytest

from stillhouse.students.checkpoints import FILES, STATE, drop_newer, last_complete


def write_checkpoint(folder: Path, step: int, weights: str = "model.safetensors") -> Path:
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    for name in (*FILES, weights):
        (checkpoint / name).write_text("x")
    (checkpoint / STATE).write_text(json.dumps({"global_step": step}))
    return checkpoint


def test_last_complete_several_is_the_newest_by_number(tmp_path: Path) -> None:
    for step in (50, 100, 9):
        write_checkpoint(tmp_path, step)
    assert last_complete(tmp_path, before_step=1000) == tmp_path / "checkpoint-100"


def test_last_complete_last_steps_checkpoint_is_skipped(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, 50)
    write_checkpoint(tmp_path, 100)
    assert last_complete(tmp_path, before_step=100) == tmp_path / "checkpoint-50"


@pytest.mark.parametrize("missing", [*FILES, "model.safetensors"])
def test_last_complete_missing_file_is_skipped(tmp_path: Path, missing: str) -> None:
    write_checkpoint(tmp_path, 50)
    (write_checkpoint(tmp_path, 100) / missing).unlink()
    assert last_complete(tmp_path, before_step=1000) == tmp_path / "checkpoint-50"


@pytest.mark.parametrize("state", ['{"global_step": 10', "", '{"global_step": 50}', "[]"])
def test_last_complete_torn_or_foreign_state_is_skipped(tmp_path: Path, state: str) -> None:
    write_checkpoint(tmp_path, 50)
    (write_checkpoint(tmp_path, 100) / STATE).write_text(state)
    assert last_complete(tmp_path, before_step=1000) == tmp_path / "checkpoint-50"


def test_last_complete_adapter_weights_count_as_weights(tmp_path: Path) -> None:
    adapter = write_checkpoint(tmp_path, 50, weights="adapter_model.safetensors")
    assert last_complete(tmp_path, before_step=1000) == adapter


def test_last_complete_missing_folder_is_none(tmp_path: Path) -> None:
    assert last_complete(tmp_path / "nothing", before_step=10) is None


def test_drop_newer_keeps_the_resumed_one_and_older(tmp_path: Path) -> None:
    kept = write_checkpoint(tmp_path, 50)
    for step in (20, 60, 100):
        write_checkpoint(tmp_path, step)
    drop_newer(tmp_path, kept)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-20", "checkpoint-50"]


def test_drop_newer_nothing_to_resume_clears_all_checkpoints(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, 20)
    drop_newer(tmp_path, None)
    assert list(tmp_path.iterdir()) == []
