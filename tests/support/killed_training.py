"""A training that is ended without warning."""

import os
import signal
import subprocess
import time
from pathlib import Path

from stillhouse.repository import ROOT
from stillhouse.runtime.settings import load_settings
from stillhouse.students.checkpoints import is_complete
from stillhouse.students.spec import TrainSpec
from tasks.orchestration.workers import Worker


def kill_after_first_checkpoint(spec: TrainSpec) -> None:
    """Start the training and `kill -9` it as soon as one checkpoint is whole."""
    path = Path(spec.checkpoints).with_name("spec.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(spec.model_dump_json())
    command = [str(load_settings().engine_python), "-m", Worker.TRAIN, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 200
        while not any(_is_whole(one) for one in Path(spec.checkpoints).glob("checkpoint-*")):
            assert child.poll() is None, "the training ended before its first checkpoint"
            assert time.monotonic() < deadline, "no checkpoint appeared"
            time.sleep(0.005)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not Path(spec.out).exists()


def _is_whole(checkpoint: Path) -> bool:
    # its last file appears before it is written
    return is_complete(checkpoint, int(checkpoint.name.removeprefix("checkpoint-")))
